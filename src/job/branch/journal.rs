use std::sync::{Mutex, MutexGuard};

use driftmill_operators::flow::{Fired, Looked, Standing};

/// What a trigger policy did that is not recorded yet.
#[derive(Default)]
pub(in crate::job) struct JournalEntries {
    /// Where it stands between decisions.
    pub(in crate::job) standing: Option<Standing>,
    /// What it saw until then, and since.
    pub(in crate::job) looks: Vec<Looked>,
    /// Where it fired that would not train.
    pub(in crate::job) fired: Vec<Fired>,
}

impl JournalEntries {
    /// Adds what could not be recorded: it came before what is here.
    pub(in crate::job) fn put_back(&mut self, earlier: Self) {
        let Self { standing, looks, fired } = earlier;
        self.standing = self.standing.take().or(standing);
        self.looks.splice(..0, looks);
        self.fired.splice(..0, fired);
    }

    pub(in crate::job) fn is_empty(&self) -> bool {
        self.standing.is_none() && self.looks.is_empty() && self.fired.is_empty()
    }
}

/// The notes of one policy, which its operator adds to and the keeper of the books takes.
#[derive(Default)]
pub(in crate::job) struct Journal(Mutex<JournalEntries>);

impl Journal {
    /// Whoever takes notes to record them does so under the catalog's lock: a standing must not be
    /// recorded before what was seen until then.
    pub(in crate::job) fn lock(&self) -> MutexGuard<'_, JournalEntries> {
        self.0.lock().expect("no one panics while taking notes")
    }
}
