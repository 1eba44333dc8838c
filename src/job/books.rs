//! Who keeps the books of a run: process 0 has the catalog, sinks and dead letters; other processes
//! tell it.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use anyhow::ensure;
use driftmill_operators::Id;
use driftmill_operators::flow::Standing;

use super::peers::Peers;
use super::told::Fact;
use super::{Branch, Context, Publisher, StateDirectory};
use crate::catalog::Catalog;
use crate::cluster::Link;
use crate::letters::{Letter, LetterBox};
use crate::outage::is_full;
use crate::store::SegmentLength;

/// The books, or the way to them.
pub(super) enum Books {
    /// This is process 0.
    Kept(Box<Head>),
    /// Process 0 is at the other end.
    Told(Link<Fact>),
}

/// What process 0 alone has.
pub(super) struct Head {
    /// The run's state directory.
    pub(super) state: StateDirectory,
    /// What was decided.
    pub(super) catalog: Arc<Mutex<Catalog>>,
    /// Sends versions of the pipeline's own branch to its sinks.
    pub(super) publisher: Publisher,
    /// Messages that are not samples.
    pub(super) dead_letters: LetterBox,
    /// The other processes.
    pub(super) peers: Peers,
}

impl Context {
    /// What process 0 has: for the services of operators that are on the first worker alone.
    pub(super) fn head(&self) -> &Head {
        match &self.books {
            Books::Kept(head) => head,
            Books::Told(_) => panic!("only the first worker of process 0 asks for the books"),
        }
    }

    /// The way to process 0, in another one.
    pub(super) fn link(&self) -> &Link<Fact> {
        match &self.books {
            Books::Told(link) => link,
            Books::Kept(_) => panic!("process 0 tells itself nothing"),
        }
    }

    /// Writes down messages that are not samples; what becomes durable later covers them.
    pub(super) fn letters(&self, letters: Vec<Letter>) -> anyhow::Result<()> {
        match &self.books {
            Books::Kept(head) => head.dead_letters.write(letters)?,
            Books::Told(_) if letters.is_empty() => {}
            Books::Told(link) => link.tell(Fact::Letters(letters)),
        }
        Ok(())
    }

    /// The catalog; the log is made durable under this lock, so that no commit is ahead of the log
    /// that it saw.
    pub(super) fn catalog(&self) -> MutexGuard<'_, Catalog> {
        self.head().catalog.lock().expect("no one panics in the catalog")
    }

    /// Has the rows of `ids` at hand, whichever process read them.
    pub(super) fn fetch(&self, ids: &[Id]) -> anyhow::Result<()> {
        if !self.cluster.is_single() && !self.log.has(ids)? {
            self.head().peers.flush()?;
        }
        Ok(())
    }

    /// Makes all that was read durable, and where policies stand, if there is room for it and no
    /// letters keep it waiting.
    pub(super) fn persist(&self) -> anyhow::Result<()> {
        if !self.sync {
            return Ok(());
        }
        match self.record_all() {
            // who has something to write waits for room, and tells.
            Err(error) if is_full(error.as_ref()) => Ok(()),
            recorded => recorded,
        }
    }

    fn record_all(&self) -> anyhow::Result<()> {
        let mut catalog = self.catalog();
        // taken before the log is synced, which then has all that they have seen.
        let kept = self.branches.iter().map(|branch| Some((branch, branch.kept().take()?)));
        let kept: Vec<_> = kept.flatten().collect();
        let recorded = self.record(&mut catalog, &kept);
        if !matches!(recorded, Ok(true)) {
            for (branch, standing) in kept {
                branch.kept().get_or_insert(standing);
            }
        }
        recorded.map(|_| ())
    }

    /// Records how far the log is durable, and standings; whether letters did not keep it waiting.
    fn record(
        &self,
        catalog: &mut Catalog,
        kept: &[(&Arc<Branch>, Standing)],
    ) -> anyhow::Result<bool> {
        let durable = self.sync()?;
        if !self.head().dead_letters.sync(Duration::ZERO)? {
            return Ok(false);
        }
        catalog.ingested(&durable)?;
        self.log.recorded(&durable);
        for (branch, standing) in kept {
            catalog.stands(&branch.name, standing, &branch.evaluation(self))?;
            self.recorded.store(true, Ordering::Relaxed);
        }
        Ok(true)
    }

    /// Makes the log durable, and the letters that its messages led to; under the catalog's lock.
    pub(super) fn durable(&self) -> anyhow::Result<Vec<SegmentLength>> {
        let durable = self.sync()?;
        while !self.head().dead_letters.sync(Duration::from_millis(200))? {
            ensure!(!self.stopping(), "the job was stopped before all dead letters were safe");
        }
        Ok(durable)
    }

    /// Makes durable what all processes have read.
    fn sync(&self) -> anyhow::Result<Vec<SegmentLength>> {
        self.head().peers.flush()?;
        Ok(self.log.sync()?)
    }

    /// Records the end of the job, `complete` if it is that of the stream.
    pub(super) fn close(&self, complete: bool) -> anyhow::Result<()> {
        self.record_all()?;
        for branch in &self.branches {
            let evaluation = branch.evaluation(self);
            self.catalog().evaluated(&branch.name, &evaluation)?;
        }
        self.recorded.store(true, Ordering::Relaxed);
        self.retain()?;
        if complete {
            self.freeze_all()?;
        }
        let mut catalog = self.catalog();
        catalog.set_complete(complete)?;
        Ok(catalog.settle()?)
    }

    /// Publishes what was made before the job was started, as far as it is missing somewhere.
    pub(super) fn publish_again(&self) -> anyhow::Result<()> {
        let branch = &self.branches[0];
        let removed = self.catalog().removed_versions(&branch.name)?;
        for number in branch.versions().into_keys().filter(|number| !removed.contains(number)) {
            let version = branch.described(number)?;
            self.head().publisher.publish(&version, &branch.store.folder_of(number));
        }
        Ok(())
    }
}
