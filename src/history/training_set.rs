//! The training set of a version.

use std::collections::{BTreeMap, HashMap};

use driftmill_datasets::{Schema, Values};
use driftmill_operators::Id;
use driftmill_operators::downsampling::Kept;
use serde::Serialize;

use super::{History, HistoryError};
use crate::catalog::{Place, TrainedSamples};

/// The training set of a decision.
#[derive(Clone, Debug, Serialize)]
pub struct TrainingSet {
    /// The pipeline's name, or that of the comparison.
    pub policy: String,
    /// The decision.
    pub trigger: u64,
    /// The position of the decision.
    pub place: Place,
    /// The reason of the decision.
    pub reason: String,
    /// Number of samples from which the selection could choose.
    pub candidates: u64,
    /// Number of chosen samples.
    pub samples: u64,
    /// Number of chosen samples of each class.
    pub labels: BTreeMap<u32, u64>,
    /// Sum of their weights.
    pub weight: f64,
    /// SHA-256 of their ids.
    pub ids_digest: String,
    /// Duration of the selection in seconds, summed over all workers.
    pub seconds: f64,
    /// The part of them that was trained on, if not all; none until the training has ended.
    pub trained_samples: Option<TrainedSamples>,
    /// The samples that are in the log, in the order of positions.
    pub rows: Vec<SetRow>,
}

/// A sample of a training set.
#[derive(Clone, Debug, Serialize)]
pub struct SetRow {
    /// Its id.
    #[serde(skip)]
    pub id: Id,
    /// Its position time in milliseconds since 1970, and its origin.
    #[serde(flatten)]
    pub place: Place,
    /// Its class, as known at the time of the decision.
    pub label: u32,
    /// Its weight in the loss, or the mean of several weights.
    pub weight: f32,
    /// The number of times it was trained on, if only a part of the set was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
}

impl History {
    /// The training set of decision `trigger` of a branch.
    ///
    /// # Errors
    /// When there is no such decision, or the log is damaged.
    pub fn set_of(&self, branch: &str, trigger: u64) -> Result<TrainingSet, HistoryError> {
        let set = self.training_set(branch, trigger)?;
        let trained_samples = self.catalog.trained_samples(branch, trigger)?;
        let kept: Option<HashMap<Id, Kept>> = trained_samples
            .as_ref()
            .map(|(_, kept)| kept.iter().map(|kept| (kept.id, *kept)).collect());
        let rows = self.rows_of(&set)?.into_iter().map(|row| {
            let kept = kept.as_ref().map(|kept| kept.get(&row.id()));
            SetRow {
                id: row.id(),
                place: Place { time: row.position.time(), ..self.place(row.position) },
                label: row.label,
                weight: kept.map_or(row.weight, |kept| kept.map_or(0.0, |kept| kept.weight)),
                times: kept.map(|kept| kept.map_or(0, |kept| kept.times)),
            }
        });
        Ok(TrainingSet {
            policy: self.name_of(branch).to_owned(),
            trigger,
            place: self.place(set.decision.position),
            reason: set.decision.reason.text.clone(),
            candidates: set.candidates,
            samples: set.ids.len(),
            labels: set.labels.clone(),
            weight: set.weight,
            ids_digest: set.ids_digest.clone(),
            seconds: set.seconds,
            trained_samples: trained_samples.map(|(trained_samples, _)| trained_samples),
            rows: rows.collect(),
        })
    }

    /// The features of samples, and their schema.
    ///
    /// # Errors
    /// When one of them is not in the log or cannot be read.
    pub fn features_of(&self, ids: &[Id]) -> Result<(&Schema, Values), HistoryError> {
        let schema = self.log.schema();
        let mut values = Values::new(schema.value);
        self.log.gather(ids, &mut values)?;
        Ok((schema, values))
    }
}
