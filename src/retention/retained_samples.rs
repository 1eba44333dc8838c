//! Retained samples: those that a policy can still ask for.

use std::collections::BTreeMap;

use driftmill_operators::selection::SelectionConfig;
use driftmill_operators::trigger::Trigger;
use driftmill_operators::{Id, Position};
use roaring::RoaringTreemap;

use crate::catalog::{BranchRecord, Catalog, CatalogError, irreducible_key};
use crate::store::Log;

/// The policies of one branch of a run, or a shadow.
pub struct Policies<'a> {
    /// Its key in the catalog: a branch, or `shadow/` and the name of a shadow.
    pub policy: String,
    /// The trigger policy in its initial state.
    pub trigger: Box<dyn Trigger>,
    /// The selection policy; none for a shadow.
    pub selection: Option<&'a dyn SelectionConfig>,
}

/// The samples and versions that a run can still ask for, according to its catalog.
pub struct Needs {
    /// The progress of each branch.
    pub(super) branches: Vec<BranchProgress>,
    /// The progress of each irreducible-loss model.
    pub(super) irreducible_models: Vec<BranchProgress>,
    /// The first position that each shadow has not observed.
    shadows: Vec<(Position, String)>,
    /// Samples that a policy retains.
    pub(super) held: RoaringTreemap,
    /// Samples of open trainings.
    pub(super) in_training: RoaringTreemap,
}

/// The progress of a branch in a run.
pub(super) struct BranchProgress {
    pub(super) branch: String,
    pub(super) record: BranchRecord,
    /// The first position that its evaluation has not scored, by partition.
    scored: BTreeMap<u32, Position>,
}

impl Needs {
    /// The needs of a run with these policies.
    ///
    /// # Errors
    /// When the catalog cannot be read, or a state does not decode.
    pub fn of(catalog: &Catalog, policies: Vec<Policies<'_>>) -> Result<Self, CatalogError> {
        let (mut held, mut branches, mut shadows) = (RoaringTreemap::new(), Vec::new(), Vec::new());
        let mut irreducible_models = Vec::new();
        let mut hold = |id: Id| {
            held.insert(id.0);
        };
        const TRIGGER: &str = "trigger_checkpoints";
        const SELECTION: &str = "selection_checkpoints";
        for Policies { policy, mut trigger, selection } in policies {
            let record = catalog.branch(&policy)?;
            if let Some(checkpoint) = &record.checkpoint {
                let loaded = trigger.load(&checkpoint.policy);
                loaded.map_err(|error| CatalogError::checkpoint(TRIGGER, &policy, error))?;
                trigger.retained_samples(&mut hold);
            }
            let Some(selection) = selection else {
                // a new shadow starts at the checkpoint of the pipeline's own policy.
                shadows.extend(record.checkpoint.map(|checkpoint| (checkpoint.at, policy)));
                continue;
            };
            for checkpoint in record.selection_checkpoints.partitions.values() {
                let mut shard = selection.init();
                let loaded = shard.load(&checkpoint.state);
                loaded.map_err(|error| CatalogError::checkpoint(SELECTION, &policy, error))?;
                shard.retained_samples(&mut hold);
            }
            let (_, scored) = record.scored(&policy)?;
            for number in 1.. {
                let branch = irreducible_key(&policy, number);
                if catalog.last_version(&branch)?.is_none() {
                    break;
                }
                let record = BranchRecord::default();
                irreducible_models.push(BranchProgress { branch, record, scored: BTreeMap::new() });
            }
            branches.push(BranchProgress { branch: policy, record, scored });
        }
        Ok(Self {
            branches,
            irreducible_models,
            shadows,
            held,
            in_training: catalog.in_training()?,
        })
    }

    /// The first position in a partition that not all policies have observed, and the branch or shadow that
    /// has not observed it.
    pub fn resume_at(&self, stream: u32) -> (Position, &str) {
        let branches =
            self.branches.iter().map(|progress| (progress.resume_at(stream), &*progress.branch));
        let shadows = self.shadows.iter().map(|(at, shadow)| (*at, &**shadow));
        branches.chain(shadows).min().unwrap_or((Position::MIN, ""))
    }

    /// The first position for which a version of a branch may still be queried, if these are all
    /// partitions.
    pub(super) fn asked(
        &self,
        progress: &BranchProgress,
        streams: impl Iterator<Item = u32>,
    ) -> Position {
        let scored = streams.map(|stream| progress.scored_in(stream)).min();
        let scored = scored.unwrap_or(Position::MIN);
        // shadows query the versions of the pipeline's own branch.
        let shadows = self.shadows.iter().filter(|_| progress.branch.is_empty());
        shadows.map(|(at, _)| *at).chain([scored]).min().unwrap_or(scored)
    }

    /// The first position that a policy or an evaluation has not observed.
    pub fn resume_everywhere(&self, log: &Log) -> Position {
        self.last(log).0
    }

    /// The same position, with the branch that has not observed it.
    pub(super) fn last(&self, log: &Log) -> (Position, &str) {
        let streams = log.streams().into_iter().map(|stream| self.resume_at(stream));
        streams.min().unwrap_or((Position::MIN, ""))
    }
}

impl BranchProgress {
    fn resume_at(&self, stream: u32) -> Position {
        self.record.resume_at(stream).min(self.scored_in(stream))
    }

    fn scored_in(&self, stream: u32) -> Position {
        self.scored.get(&stream).copied().unwrap_or(Position::MIN)
    }
}

/// The number of `ids` between these ends, both included.
pub(super) fn count(ids: &RoaringTreemap, ends: &[(Id, Id)]) -> u64 {
    ends.iter().map(|(first, last)| ids.range_cardinality(first.0..=last.0)).sum()
}
