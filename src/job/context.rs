use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use crossbeam_channel::Sender;
use driftmill_operators::flow::Scored;
use driftmill_operators::selection::{SelectionConfig, SelectionTable};
use driftmill_operators::trigger::TriggerTable;
use driftmill_operators::{Position, position_id, position_time};

use super::StateDirectory;
use crate::catalog::{Catalog, CatalogError, ModelStore, Place};
use crate::config::Pipeline;
use crate::console::Status;
use crate::evaluate::{ClassCounts, Prequential};
use crate::report::{TriggerLine, VersionLine};
use crate::sink::Sink;
use crate::source::Partition;
use crate::store::{DeadLetters, Log};
use crate::train::{Runtime, Weights};

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
    pub catalog: Mutex<Catalog>,
    /// Where versions of the pipeline's own branch go.
    pub sinks: Mutex<Vec<(&'static str, Box<dyn Sink>)>>,
    /// Messages that are not samples.
    pub dead_letters: DeadLetters,
    /// Of which classes the samples are.
    pub classes: Mutex<ClassCounts>,
    /// How far the job is.
    pub status: Status,
    /// The pipeline's own policies, then those it is compared with.
    pub branches: Vec<Arc<Branch>>,
    /// Most messages of a partition in one poll; has no influence on results.
    pub poll: usize,
    pub(super) stop: AtomicBool,
    pub(super) faults: Sender<anyhow::Error>,
}

impl Context {
    /// Whether the job is to end without finishing.
    pub fn stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Ends the job: it cannot go on.
    pub fn fail(&self, error: impl Into<anyhow::Error>) {
        // only the first error is reported; the others are its consequences.
        drop(self.faults.send(error.into()));
    }

    /// A position as people read it.
    pub fn place(&self, position: Position) -> Place {
        let id = position_id(position);
        Place {
            time: position_time(position),
            topic: self.topic(id.topic()).to_owned(),
            partition: id.partition(),
            offset: id.offset(),
        }
    }

    /// The name of a topic.
    pub fn topic(&self, index: u8) -> &str {
        let found = self.partitions.iter().find(|partition| partition.topic_index == index);
        found.map_or("", |partition| &partition.topic)
    }
}

/// One composition of policies over the stream, with the versions it made.
pub struct Branch {
    /// Empty for the pipeline's own, else the name of the comparison.
    pub name: String,
    /// When to train.
    pub trigger: TriggerTable,
    /// What to train on.
    pub selection: Arc<dyn SelectionConfig>,
    /// The selection's key in the pipeline file.
    pub selection_key: &'static str,
    /// The versions' files.
    pub store: ModelStore,
    /// Length of the evaluation's intervals, in milliseconds.
    pub interval: Option<i64>,
    /// The thread that owns the models.
    pub runtime: Runtime,
    recent: Mutex<VecDeque<(u64, Weights)>>,
    story: Mutex<Story>,
}

/// What a branch did.
#[derive(Clone, Debug, Default)]
pub struct Story {
    /// Its decisions, in order.
    pub triggers: Vec<TriggerLine>,
    /// Its versions, in order.
    pub versions: Vec<VersionLine>,
    /// How good they were.
    pub prequential: Prequential,
}

/// Versions kept in memory: the active one, and those that scoring may still need.
const RECENT: usize = 4;

impl Branch {
    /// A branch that has done nothing.
    pub fn new(
        name: &str,
        trigger: TriggerTable,
        selection: SelectionTable,
        store: ModelStore,
        (interval, runtime): (Option<i64>, Runtime),
    ) -> Self {
        let selection_key = selection.key();
        Self {
            name: name.to_owned(),
            trigger,
            selection: shared(selection),
            selection_key,
            store,
            interval,
            runtime,
            recent: Mutex::default(),
            story: Mutex::default(),
        }
    }

    /// What the branch did so far.
    pub fn story(&self) -> MutexGuard<'_, Story> {
        self.story.lock().expect("no one panics while holding a story")
    }

    pub(super) fn scored(&self, scored: &Scored) {
        self.story().prequential.add(scored);
    }

    /// Keeps a new version at hand.
    pub(super) fn made(&self, version: u64, weights: Weights) {
        let mut recent = self.recent();
        recent.push_back((version, weights));
        while recent.len() > RECENT {
            recent.pop_front();
        }
    }

    /// A version's weights.
    ///
    /// # Errors
    /// When an older version's file cannot be read.
    pub(super) fn weights(&self, version: u64) -> Result<Weights, CatalogError> {
        let known = self.recent().iter().find(|(held, _)| *held == version).cloned();
        match known {
            Some((_, weights)) => Ok(weights),
            None => self.store.weights(version).map(Weights::new),
        }
    }

    /// The newest version, if there is one.
    pub(super) fn newest(&self) -> Option<(u64, Weights)> {
        self.recent().back().cloned()
    }

    fn recent(&self) -> MutexGuard<'_, VecDeque<(u64, Weights)>> {
        self.recent.lock().expect("no one panics while holding the versions")
    }
}

/// The table's component, shared by the workers.
fn shared(table: SelectionTable) -> Arc<dyn SelectionConfig> {
    match table {
        SelectionTable::new_data(config) => Arc::new(config),
    }
}
