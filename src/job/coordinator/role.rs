//! Who keeps the books of a run: process 0 has the catalog, sinks and dead letters; other processes
//! tell it.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use anyhow::ensure;
use driftmill_operators::Id;

use super::peers::Peers;
use super::protocol::FollowerEvent;
use crate::catalog::{Catalog, PolicyEntry};
use crate::cluster::Link;
use crate::dead_letters::{DeadLetter, DeadLetterQueue};
use crate::job::branch::journal::JournalEntries;
use crate::job::{Context, Publisher, StateDirectory};
use crate::outage::is_full;
use crate::store::SegmentLength;

/// The books, or the way to them.
pub(in crate::job) enum Role {
    /// This is process 0.
    Coordinator(Box<Coordinator>),
    /// Process 0 is at the other end.
    Follower(Link<FollowerEvent>),
}

/// What process 0 alone has.
pub(in crate::job) struct Coordinator {
    /// The run's state directory.
    pub(in crate::job) state: StateDirectory,
    /// What was decided.
    pub(in crate::job) catalog: Arc<Mutex<Catalog>>,
    /// Sends versions of the pipeline's own branch to its sinks.
    pub(in crate::job) publisher: Publisher,
    /// Messages that are not samples.
    pub(in crate::job) dead_letters: DeadLetterQueue,
    /// The other processes.
    pub(in crate::job) peers: Peers,
}

impl Context {
    /// What process 0 has: for the services of operators that are on the first worker alone.
    pub(in crate::job) fn coordinator(&self) -> &Coordinator {
        match &self.role {
            Role::Coordinator(coordinator) => coordinator,
            Role::Follower(_) => panic!("only the first worker of process 0 asks for the books"),
        }
    }

    /// The way to process 0, in another one.
    pub(in crate::job) fn link(&self) -> &Link<FollowerEvent> {
        match &self.role {
            Role::Follower(link) => link,
            Role::Coordinator(_) => panic!("process 0 tells itself nothing"),
        }
    }

    /// Writes down messages that are not samples; what becomes durable later covers them.
    pub(in crate::job) fn dead_letters(&self, dead_letters: Vec<DeadLetter>) -> anyhow::Result<()> {
        match &self.role {
            Role::Coordinator(coordinator) => coordinator.dead_letters.write(dead_letters)?,
            Role::Follower(_) if dead_letters.is_empty() => {}
            Role::Follower(link) => link.tell(FollowerEvent::DeadLetters(dead_letters)),
        }
        Ok(())
    }

    /// The catalog; the log is made durable under this lock, so that no commit is ahead of the log
    /// that it saw.
    pub(in crate::job) fn catalog(&self) -> MutexGuard<'_, Catalog> {
        self.coordinator().catalog.lock().expect("no one panics in the catalog")
    }

    /// Has the rows of `ids` at hand, whichever process read them.
    pub(in crate::job) fn fetch(&self, ids: &[Id]) -> anyhow::Result<()> {
        if !self.cluster.is_single() && !self.log.has(ids)? {
            self.coordinator().peers.flush()?;
        }
        Ok(())
    }

    /// Makes all that was read durable, and where policies stand, if there is room for it and no
    /// dead letters keep it waiting.
    pub(in crate::job) fn persist(&self) -> anyhow::Result<()> {
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
        let branches = self.branches.iter().map(|branch| (&*branch.name, &branch.journal));
        let shadows = self.shadows.iter().map(|shadow| (&*shadow.key, &shadow.journal));
        let taken: Vec<_> = branches
            .chain(shadows)
            .map(|(policy, journal)| (policy, journal, std::mem::take(&mut *journal.lock())))
            .collect();
        let entries = taken.iter().filter(|(.., journal)| !journal.is_empty());
        let entries: Vec<_> =
            entries.map(|(policy, _, journal)| self.entry(policy, journal)).collect();
        let recorded = self.record(&mut catalog, &entries);
        if !matches!(recorded, Ok(true)) {
            for (_, journal, taken) in taken {
                journal.lock().put_back(taken);
            }
        }
        recorded.map(|_| ())
    }

    fn entry<'a>(&self, policy: &'a str, journal: &'a JournalEntries) -> PolicyEntry<'a> {
        let branch = self.branches.iter().find(|branch| branch.name == policy);
        let moved = branch.filter(|_| journal.standing.is_some());
        PolicyEntry {
            policy,
            standing: journal.standing.as_ref(),
            evaluation: moved.map(|branch| branch.evaluation(self)),
            looks: &journal.looks,
            fired: &journal.fired,
        }
    }

    /// Records how far the log is durable, and policies; whether dead letters did not keep it waiting.
    fn record(&self, catalog: &mut Catalog, entries: &[PolicyEntry<'_>]) -> anyhow::Result<bool> {
        let durable = self.sync()?;
        if !self.coordinator().dead_letters.sync(Duration::ZERO)? {
            return Ok(false);
        }
        catalog.observed(&durable, entries)?;
        self.log.recorded(&durable);
        if entries.iter().any(|entry| entry.standing.is_some()) {
            self.recorded.store(true, Ordering::Relaxed);
        }
        Ok(true)
    }

    /// Makes the log durable, and the dead letters that its messages led to; under the catalog's lock.
    pub(in crate::job) fn durable(&self) -> anyhow::Result<Vec<SegmentLength>> {
        let durable = self.sync()?;
        while !self.coordinator().dead_letters.sync(Duration::from_millis(200))? {
            ensure!(!self.stopping(), "the job was stopped before all dead letters were safe");
        }
        Ok(durable)
    }

    /// Makes durable what all processes have read.
    fn sync(&self) -> anyhow::Result<Vec<SegmentLength>> {
        self.coordinator().peers.flush()?;
        Ok(self.log.sync()?)
    }

    /// Records the end of the job, `complete` if it is that of the stream.
    pub(in crate::job) fn close(&self, complete: bool) -> anyhow::Result<()> {
        self.record_all()?;
        for branch in &self.branches {
            let evaluation = branch.evaluation(self);
            self.catalog().evaluated(&branch.name, &evaluation)?;
        }
        self.recorded.store(true, Ordering::Relaxed);
        self.retain()?;
        if complete {
            self.upload_all()?;
        }
        let mut catalog = self.catalog();
        catalog.set_complete(complete)?;
        Ok(catalog.settle()?)
    }

    /// Publishes what was made before the job was started, as far as it is missing somewhere.
    pub(in crate::job) fn publish_missing(&self) -> anyhow::Result<()> {
        let branch = &self.branches[0];
        let removed = self.catalog().expired_versions(&branch.name)?;
        for number in branch.versions().into_keys().filter(|number| !removed.contains(number)) {
            let version = branch.described(number)?;
            self.coordinator().publisher.publish(&version, &branch.store.folder_of(number));
        }
        Ok(())
    }
}
