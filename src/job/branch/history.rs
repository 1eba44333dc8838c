//! The evaluation of a branch, for the summary and the catalog. The coordinator owns it.

use std::collections::BTreeMap;

use driftmill_operators::flow::Scores;
use driftmill_operators::{Position, Snapshot};

use crate::evaluate::Prequential;
use crate::job::{Branch, Context};

/// The evaluation of a branch.
#[derive(Clone, Debug, Default)]
pub struct BranchHistory {
    /// The prequential results.
    pub prequential: Prequential,
    /// For each worker, the position before which all samples are scored.
    until: BTreeMap<usize, Position>,
}

impl BranchHistory {
    /// Restores the history of a branch from before the start of the job.
    pub(in crate::job) fn restore(branch: &Branch) -> Self {
        Self { prequential: branch.prequential.clone(), ..Self::default() }
    }

    /// Adds the scores of samples.
    pub(in crate::job) fn scored(&mut self, scores: &Scores) {
        scores.sums.iter().for_each(|sum| self.prequential.add(sum));
        self.until.insert(scores.worker, scores.until);
    }

    /// The state of the evaluation for the catalog: sums, and positions by partition.
    pub(in crate::job) fn evaluation(&self, branch: &Branch, context: &Context) -> Vec<u8> {
        let mut until = branch.scored_until();
        for (number, partition) in context.partitions.iter().enumerate() {
            if let Some(position) = self.until.get(&context.worker_of(number)) {
                // a worker with several partitions may still be before the recorded position of one of
                // them.
                let until = until.entry(partition.id(0).stream()).or_insert(*position);
                *until = (*until).max(*position);
            }
        }
        (self.prequential.clone(), until).save()
    }
}
