use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use anyhow::ensure;
use crossbeam_channel::Sender;
use driftmill_operators::flow::{Standing, Standings};
use driftmill_operators::{Position, position_id, position_time};

use super::{Branch, Publisher, StateDirectory};
use crate::catalog::{Catalog, Place};
use crate::config::Pipeline;
use crate::console::Status;
use crate::evaluate::ClassCounts;
use crate::letters::LetterBox;
use crate::source::Partition;
use crate::store::{Log, SegmentLength};

/// What all parts of a running job share.
pub struct Context {
    /// The pipeline.
    pub pipeline: Pipeline,
    /// SHA-256 of the pipeline.
    pub pipeline_digest: String,
    /// The run's unique name.
    pub run: String,
    /// The run's state directory.
    pub state: StateDirectory,
    /// All partitions with their bounds.
    pub partitions: Vec<Partition>,
    /// Every consumed message.
    pub log: Log,
    /// What was decided.
    pub catalog: Arc<Mutex<Catalog>>,
    /// Sends versions of the pipeline's own branch to its sinks.
    pub publisher: Publisher,
    /// Messages that are not samples.
    pub dead_letters: LetterBox,
    /// Of which classes the samples are.
    pub classes: Mutex<ClassCounts>,
    /// How far the job is.
    pub status: Status,
    /// The pipeline's own policies, then those it is compared with.
    pub branches: Vec<Arc<Branch>>,
    /// Most messages of a partition in one poll; has no influence on results.
    pub poll: usize,
    /// Whether what is read is made durable between decisions.
    pub sync: bool,
    /// Number of workers.
    pub workers: usize,
    pub(super) stop: AtomicBool,
    /// Nothing new is begun.
    pub(super) wind_down: AtomicBool,
    /// Trainings that run.
    pub(super) trainings: AtomicUsize,
    /// Whether more may be removed than when retention was applied last.
    pub(super) recorded: AtomicBool,
    pub(super) faults: Sender<anyhow::Error>,
}

impl Context {
    /// Whether the job is to end without finishing.
    pub fn stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Begins nothing new from now on; whether something still goes on that was begun before.
    pub(super) fn winds_down(&self) -> bool {
        self.wind_down.store(true, Ordering::SeqCst);
        self.trainings.load(Ordering::SeqCst) > 0 || self.publisher.pending() > 0
    }

    /// Whether nothing new may be begun.
    pub(super) fn begins_nothing(&self) -> bool {
        self.wind_down.load(Ordering::SeqCst)
    }

    /// Whether a training may be begun; if so, whoever ends the job waits for its end.
    pub(super) fn begin_training(&self) -> bool {
        // counted first: what is not seen by who winds down sees that it does.
        self.trainings.fetch_add(1, Ordering::SeqCst);
        let refused = self.begins_nothing();
        if refused {
            self.end_training();
        }
        !refused
    }

    /// A training has its outcome.
    pub(super) fn end_training(&self) {
        self.trainings.fetch_sub(1, Ordering::SeqCst);
    }

    /// Ends the job: it cannot go on.
    pub fn fail(&self, error: impl Into<anyhow::Error>) {
        // only the first error is reported; the others are its consequences.
        drop(self.faults.send(error.into()));
    }

    /// A position as people read it.
    pub fn place(&self, position: Position) -> Place {
        place(&self.partitions, position)
    }

    /// The name of a topic.
    pub fn topic(&self, index: u8) -> &str {
        topic(&self.partitions, index)
    }

    /// The catalog; the log is made durable under this lock, so that no commit is ahead of the log
    /// that it saw.
    pub(super) fn catalog(&self) -> MutexGuard<'_, Catalog> {
        self.catalog.lock().expect("no one panics in the catalog")
    }

    /// Makes all that was read durable, and where policies stand, unless letters keep it waiting.
    pub(super) fn persist(&self) -> anyhow::Result<()> {
        if !self.sync {
            return Ok(());
        }
        let mut catalog = self.catalog();
        // taken before the log is synced, which then has all that they have seen.
        let kept = self.branches.iter().map(|branch| Some((branch, branch.kept().take()?)));
        let kept: Vec<_> = kept.flatten().collect();
        let durable = self.log.sync()?;
        if !self.dead_letters.sync(Duration::ZERO)? {
            for (branch, standing) in kept {
                branch.kept().get_or_insert(standing);
            }
            return Ok(());
        }
        catalog.ingested(&durable)?;
        self.log.recorded(&durable);
        for (branch, standing) in kept {
            catalog.stands(&branch.name, &standing, &branch.evaluation(self))?;
            self.recorded.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Makes the log durable, and the letters that its messages led to; under the catalog's lock.
    pub(super) fn durable(&self) -> anyhow::Result<Vec<SegmentLength>> {
        let durable = self.log.sync()?;
        while !self.dead_letters.sync(Duration::from_millis(200))? {
            ensure!(!self.stopping(), "the job was stopped before all dead letters were safe");
        }
        Ok(durable)
    }

    /// Records the end of the job, `complete` if it is that of the stream.
    pub(super) fn close(&self, complete: bool) -> anyhow::Result<()> {
        self.persist()?;
        for branch in &self.branches {
            let evaluation = branch.evaluation(self);
            self.catalog().evaluated(&branch.name, &evaluation)?;
        }
        self.recorded.store(true, Ordering::Relaxed);
        self.retain()?;
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
            self.publisher.publish(&version, &branch.store.folder_of(number));
        }
        Ok(())
    }

    /// Remembers where a branch's trigger policy stands: with the decision that is sent next, or,
    /// between decisions, with what is made durable next. The dataflow does not wait for a disk.
    pub(super) fn keeper(branch: &Arc<Branch>) -> impl FnMut(Standing) + use<> {
        let branch = Arc::clone(branch);
        move |standing| match standing.open {
            Some(_) => branch.stand(standing),
            None => *branch.kept() = Some(standing),
        }
    }

    /// Where the selection of a branch stands, as far as `worker` has to know it.
    pub(super) fn standings(&self, branch: &Branch, worker: usize) -> Standings {
        let mut standings = branch.start.standings.clone();
        let mine = (0..self.partitions.len()).filter(|number| self.worker_of(*number) == worker);
        let mine: Vec<u32> = mine.map(|number| self.partitions[number].id(0).stream()).collect();
        standings.shards.retain(|stream, _| mine.contains(stream));
        standings
    }

    /// The worker on which the samples of partition number `number` are selected and scored: the one
    /// that reads it, or, where samples are exchanged by key, that to which they come back.
    pub(super) fn worker_of(&self, number: usize) -> usize {
        match self.pipeline.source.keyed() {
            Some(_) => self.partitions[number].id(0).stream() as usize % self.workers,
            None => number % self.workers,
        }
    }

    /// The first position in a partition that some policy has not seen.
    pub(super) fn resume_at(&self, stream: u32) -> Position {
        let positions = self.branches.iter().map(|branch| branch.resume_at(stream));
        positions.min().unwrap_or(Position::MIN)
    }
}

/// A position as people read it.
pub(crate) fn place(partitions: &[Partition], position: Position) -> Place {
    let id = position_id(position);
    Place {
        time: position_time(position),
        topic: topic(partitions, id.topic()).to_owned(),
        partition: id.partition(),
        offset: id.offset(),
    }
}

fn topic(partitions: &[Partition], index: u8) -> &str {
    let found = partitions.iter().find(|partition| partition.topic_index == index);
    found.map_or("", |partition| &partition.topic)
}
