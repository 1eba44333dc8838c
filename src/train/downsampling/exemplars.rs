//! Selects the exemplars of a memory.

use std::collections::{BTreeMap, HashSet};
use std::time::Instant;

use driftmill_operators::Id;
use driftmill_operators::downsampling::exemplars;
use driftmill_operators::downsampling::{Downsampled, Kept};
use driftmill_operators::selection::Memory;

use crate::train::inference::forward::Pass;
use crate::train::runtime::output_cache::Head;
use crate::train::runtime::queue::Rank;
use crate::train::runtime::worker::Worker;
use crate::train::{TrainError, TrainJob, TrainingRow};

/// Key of the policy that selects exemplars.
pub(in crate::train) const HERDING: &str = "herding";

/// The part of a training set that comes from a memory.
pub(in crate::train) struct Recalled {
    /// All samples outside the memory, and the exemplars, in their original order.
    pub(in crate::train) rows: Vec<TrainingRow>,
    /// Duration of the choice.
    pub(in crate::train) seconds: f64,
}

impl Worker {
    /// Keeps only the exemplars of each class from the pool of `memory`, by the embeddings of the previous
    /// version. Without a version, it keeps the first samples of the pool.
    pub(in crate::train) fn recall(
        &self,
        rows: Vec<TrainingRow>,
        memory: &Memory,
        job: &TrainJob,
    ) -> Result<Recalled, TrainError> {
        let started = Instant::now();
        let pool: HashSet<Id> = memory.ids.iter().copied().collect();
        let among: Vec<TrainingRow> =
            rows.iter().filter(|row| pool.contains(&row.id)).copied().collect();
        let ids: Vec<Id> = among.iter().map(|row| row.id).collect();
        let chosen: HashSet<Id> = match &job.start {
            Some(weights) => {
                let network = self.network(weights)?;
                let (head, rank) = (Head::Features, Rank::Training);
                let embeddings = self.forward(Pass { network: &*network, head, rank }, &ids)?;
                let labels: Vec<u32> = among.iter().map(|row| row.label).collect();
                let chosen = exemplars(&embeddings, &labels, memory.per_class.get());
                chosen.into_iter().map(|row| ids[row]).collect()
            }
            None => {
                let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
                let first = among.iter().filter(|row| {
                    let count = counts.entry(row.label).or_default();
                    *count += 1;
                    *count <= memory.per_class.get()
                });
                first.map(|row| row.id).collect()
            }
        };
        let stays = |row: &TrainingRow| !pool.contains(&row.id) || chosen.contains(&row.id);
        let rows = rows.into_iter().filter(stays).collect();
        Ok(Recalled { rows, seconds: started.elapsed().as_secs_f64() })
    }
}

/// The trained samples if only a memory was chosen from: all `rows` in each of `epochs` epochs.
pub(in crate::train) fn trained_samples(
    rows: &[TrainingRow],
    epochs: usize,
    candidates: usize,
) -> Downsampled {
    let kept = |row: &TrainingRow| Kept { id: row.id, times: epochs as u64, weight: row.weight };
    let mut kept: Vec<Kept> = rows.iter().map(kept).collect();
    kept.sort_unstable_by_key(|kept| kept.id);
    let (policy, candidates) = (HERDING.to_owned(), candidates as u64);
    Downsampled { policy, candidates, choices: 1, kept, seconds: 0.0 }
}
