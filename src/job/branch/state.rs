//! A branch: policies that train, with their versions.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use driftmill_operators::Position;
use driftmill_operators::flow::Evaluated;
use driftmill_operators::selection::SelectionConfig;
use driftmill_operators::trigger::TriggerTable;
use parking_lot::Mutex;

use super::irreducible::IrreducibleLossModels;
use crate::catalog::{BranchRecord, CatalogError, DecisionRecord, ModelStore, OutcomeRecord};
use crate::config::Composition;
use crate::evaluate::Prequential;
use crate::failpoint::Failpoint;
use crate::train::{Downsampling, Runtime, Weights};

/// One composition of policies over the stream, with its versions.
pub struct Branch {
    /// Empty for the pipeline's own, else the name of the comparison.
    pub name: String,
    /// The trigger policy.
    pub trigger: TriggerTable,
    /// The selection policy.
    pub selection: Arc<dyn SelectionConfig>,
    /// The selection's key in the pipeline file.
    pub selection_key: &'static str,
    /// The downsampling of training sets, if there is one.
    pub downsampling: Option<Downsampling>,
    /// The irreducible-loss models, if the downsampling requires them.
    pub(in crate::job) irreducible_models: Option<Arc<IrreducibleLossModels>>,
    /// The versions' files.
    pub store: ModelStore,
    /// Length of the evaluation's intervals, in milliseconds.
    pub interval: Option<i64>,
    /// The thread that owns the models.
    pub runtime: Runtime,
    /// Its record when the job was started.
    pub start: BranchRecord,
    /// For each partition, the position before which samples were scored at the start.
    scored: BTreeMap<u32, Position>,
    /// The prequential results at the start.
    pub(in crate::job) prequential: Prequential,
    recent: Mutex<VecDeque<(u64, Weights)>>,
}

/// Number of versions in memory: the active one, and those that scoring may still need.
const RECENT: usize = 4;

impl Branch {
    /// Creates a branch that resumes from its record. `selection` is that of the composition, without the
    /// samples that are held out.
    ///
    /// # Errors
    /// When its record cannot be read.
    pub(in crate::job) fn new(
        composition: Composition<'_>,
        selection: Arc<dyn SelectionConfig>,
        store: ModelStore,
        interval: Option<i64>,
        runtime: Runtime,
        irreducible_models: Option<IrreducibleLossModels>,
        start: BranchRecord,
    ) -> Result<Self, CatalogError> {
        let irreducible_models = irreducible_models.map(Arc::new);
        let mut branch = Self {
            name: composition.name.to_owned(),
            trigger: composition.trigger.clone(),
            selection,
            selection_key: composition.selection.key(),
            downsampling: composition.downsampling.cloned(),
            irreducible_models,
            store,
            interval,
            runtime,
            start,
            scored: BTreeMap::new(),
            prequential: Prequential::default(),
            recent: Mutex::default(),
        };
        branch.restore()?;
        Ok(branch)
    }

    fn restore(&mut self) -> Result<(), CatalogError> {
        (self.prequential, self.scored) = self.start.scored(&self.name)?;
        for checkpoint in self.start.selection_checkpoints.partitions.values() {
            let loaded = self.selection.init().load(&checkpoint.state);
            loaded.map_err(|error| {
                CatalogError::checkpoint("selection_checkpoints", &self.name, error)
            })?;
        }
        let versions = self.start.past().filter_map(|record| record.outcome.as_ref()?.version);
        if let Some(newest) = versions.last() {
            let weights = self.stored(newest)?;
            self.recent.lock().push_back((newest, weights));
        }
        Ok(())
    }

    /// Ends its threads at the next batch.
    pub(in crate::job) fn stop(&self) {
        self.runtime.stop();
        if let Some(irreducible_models) = &self.irreducible_models {
            irreducible_models.stop();
        }
    }

    /// The progress of the evaluation at the start of the job.
    pub(in crate::job) fn evaluated(&self) -> Evaluated {
        let versions = self.start.past().filter_map(|record| {
            let version = record.outcome.as_ref()?.version?;
            Some((record.decision.end(), version))
        });
        Evaluated { until: self.scored.clone(), versions: versions.collect() }
    }

    /// For each partition, the position before which samples were scored at the start of the job.
    pub(in crate::job) fn scored_until(&self) -> BTreeMap<u32, Position> {
        self.scored.clone()
    }

    /// The first position in a partition that a policy or the evaluation has not observed.
    pub(in crate::job) fn resume_at(&self, stream: u32) -> Position {
        let scored = self.scored.get(&stream).copied().unwrap_or(Position::MIN);
        self.start.resume_at(stream).min(scored)
    }

    /// The earliest position for new records of a partition: the policies or the evaluation have already
    /// continued up to it.
    pub(in crate::job) fn floor(&self, stream: u32) -> Position {
        let scored = self.scored.get(&stream).copied().unwrap_or(Position::MIN);
        self.start.reached().max(scored)
    }

    /// Decisions that were recorded before the job was started and are made again.
    pub(in crate::job) fn again(&self) -> BTreeMap<u64, DecisionRecord> {
        let next = self.start.next_trigger();
        let again = self.start.decisions.iter().filter(|record| record.decision.trigger >= next);
        again.map(|record| (record.decision.trigger, record.clone())).collect()
    }

    /// Keeps the weights of a version in memory while few versions are newer.
    pub(in crate::job) fn activate(&self, version: u64, weights: Weights) {
        let mut recent = self.recent.lock();
        let place = recent.partition_point(|(held, _)| *held < version);
        if recent.get(place).is_none_or(|(held, _)| *held != version) {
            recent.insert(place, (version, weights));
        }
        while recent.len() > RECENT {
            recent.pop_front();
        }
    }

    /// A version's weights.
    ///
    /// # Errors
    /// When an older version's file cannot be read.
    pub(in crate::job) fn weights(&self, version: u64) -> Result<Weights, CatalogError> {
        let known = self.recent.lock().iter().find(|(held, _)| *held == version).cloned();
        match known {
            Some((_, weights)) => Ok(weights),
            None => {
                let weights = self.stored(version)?;
                // versions that process 0 makes are only files for other processes.
                self.activate(version, weights.clone());
                Ok(weights)
            }
        }
    }

    /// The weights in a version's file, if their digest is the recorded one.
    fn stored(&self, version: u64) -> Result<Weights, CatalogError> {
        Failpoint::WeightsRead.reach();
        let weights = Weights::new(self.store.weights(version)?);
        match self.recorded(version).and_then(|outcome| outcome.sha256.as_deref()) {
            Some(recorded) if recorded != weights.sha256() => {
                Err(CatalogError::Other { file: "weights", version })
            }
            _ => Ok(weights),
        }
    }

    fn recorded(&self, version: u64) -> Option<&OutcomeRecord> {
        let outcomes = self.start.decisions.iter().rev();
        let mut outcomes = outcomes.filter_map(|record| record.outcome.as_ref());
        outcomes.find(|outcome| outcome.version == Some(version))
    }

    /// The newest version, if there is one.
    pub(in crate::job) fn newest(&self) -> Option<(u64, Weights)> {
        self.recent.lock().back().cloned()
    }
}
