//! What a branch did, for the summary and the catalog; owned by the coordinator.

use std::collections::BTreeMap;

use driftmill_operators::flow::Scores;
use driftmill_operators::{Position, Snapshot};

use crate::catalog::CatalogError;
use crate::evaluate::Prequential;
use crate::job::context::place;
use crate::job::{Branch, Context};
use crate::report::{TriggerLine, VersionLine};
use crate::source::Partition;

/// What a branch did.
#[derive(Clone, Debug, Default)]
pub struct BranchHistory {
    /// Its decisions, in order.
    pub triggers: Vec<TriggerLine>,
    /// Its versions, in order.
    pub versions: Vec<VersionLine>,
    /// How good they were.
    pub prequential: Prequential,
    /// By worker, before which position all samples are scored.
    until: BTreeMap<usize, Position>,
}

impl BranchHistory {
    /// What a branch did before the job was started.
    ///
    /// # Errors
    /// When what was recorded cannot be read.
    pub(in crate::job) fn restore(
        branch: &Branch,
        partitions: &[Partition],
    ) -> Result<Self, CatalogError> {
        let mut history = Self { prequential: branch.prequential.clone(), ..Self::default() };
        for record in branch.start.past() {
            let version = record.outcome.as_ref().and_then(|outcome| outcome.version);
            let place = place(partitions, record.decided.position);
            let mut line = TriggerLine::of(&record.decided, place, record.samples);
            line.version = version;
            history.triggers.push(line);
            if let Some(version) = version {
                history.versions.push(VersionLine::of(&branch.described(version)?));
            }
        }
        Ok(history)
    }

    /// Adds the scores of samples.
    pub(in crate::job) fn scored(&mut self, scores: &Scores) {
        scores.sums.iter().for_each(|sum| self.prequential.add(sum));
        self.until.insert(scores.worker, scores.until);
    }

    /// The state of the evaluation, to be recorded: sums, and positions by partition.
    pub(in crate::job) fn evaluation(&self, branch: &Branch, context: &Context) -> Vec<u8> {
        let mut until = branch.scored_until();
        for (number, partition) in context.partitions.iter().enumerate() {
            if let Some(position) = self.until.get(&context.worker_of(number)) {
                // a worker that has several partitions passes what one of them saw under another.
                let until = until.entry(partition.id(0).stream()).or_insert(*position);
                *until = (*until).max(*position);
            }
        }
        (self.prequential.clone(), until).save()
    }
}
