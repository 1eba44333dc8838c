use std::sync::{Mutex, MutexGuard};

use driftmill_operators::flow::{ShadowDecision, TriggerEvaluation, TriggerCheckpoint};

/// What a trigger policy did that is not recorded yet.
#[derive(Default)]
pub(super) struct Unrecorded {
    /// Where it stands between decisions.
    pub(super) standing: Option<TriggerCheckpoint>,
    /// What it saw until then, and since.
    pub(super) looks: Vec<TriggerEvaluation>,
    /// Where it fired that would not train.
    pub(super) fired: Vec<ShadowDecision>,
}

impl Unrecorded {
    /// Adds what could not be recorded: it came before what is here.
    pub(super) fn put_back(&mut self, earlier: Self) {
        let Self { standing, looks, fired } = earlier;
        self.standing = self.standing.take().or(standing);
        self.looks.splice(..0, looks);
        self.fired.splice(..0, fired);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.standing.is_none() && self.looks.is_empty() && self.fired.is_empty()
    }
}

/// The notes of one policy, which its operator adds to and the keeper of the books takes.
#[derive(Default)]
pub(super) struct Notes(Mutex<Unrecorded>);

impl Notes {
    /// Whoever takes notes to record them does so under the catalog's lock: a standing must not be
    /// recorded before what was seen until then.
    pub(super) fn lock(&self) -> MutexGuard<'_, Unrecorded> {
        self.0.lock().expect("no one panics while taking notes")
    }
}
