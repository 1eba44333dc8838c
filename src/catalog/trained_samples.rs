//! What trainings trained on, where that was not all that was chosen for them.

use std::collections::BTreeMap;

use driftmill_operators::Id;
use driftmill_operators::selection::TrainingSet;
use roaring::RoaringTreemap;
use rusqlite::{OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::database::hex;
use super::expired::{bitmap, parsed};
use super::{Catalog, CatalogError};
use crate::train::{Downsampled, Kept};

/// What a training trained on, summed up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainedSamples {
    /// Key of the policy that chose.
    pub policy: String,
    /// Samples it could choose from.
    pub candidates: u64,
    /// How often it chose.
    pub choices: u64,
    /// Samples that were trained on.
    pub samples: u64,
    /// How many of each class.
    pub labels: BTreeMap<u32, u64>,
    /// Their weights.
    pub weights: Spread,
    /// How long choosing took, in seconds; wall-clock time.
    pub seconds: f64,
    /// SHA-256 of id (64 bits), times (64) and weight (32) of each sample, little-endian, in the order
    /// of ids.
    pub digest: String,
}

/// Numbers, summed up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The least.
    pub min: f64,
    /// The mean.
    pub mean: f64,
    /// The greatest.
    pub max: f64,
    /// (Σw)² / Σw²: as many samples of equal weights tell as much.
    pub effective: f64,
}

impl Spread {
    fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        let count = values.clone().count();
        if count == 0 {
            return Self::default();
        }
        let (sum, squares) =
            values.clone().fold((0.0, 0.0), |(sum, squares), w| (sum + w, squares + w * w));
        Self {
            min: values.clone().fold(f64::INFINITY, f64::min),
            mean: sum / count as f64,
            max: values.fold(f64::NEG_INFINITY, f64::max),
            effective: sum * sum / squares,
        }
    }
}

impl TrainedSamples {
    /// Sums up what was trained on `set`.
    pub fn of(set: &TrainingSet, downsampled: &Downsampled) -> Self {
        let Downsampled { policy, candidates, choices, kept, seconds } = downsampled;
        let mut labels: BTreeMap<u32, u64> = BTreeMap::new();
        let ids: RoaringTreemap = kept.iter().map(|kept| kept.id.0).collect();
        for row in set.rows.iter().filter(|row| ids.contains(row.id().0)) {
            *labels.entry(row.label).or_default() += 1;
        }
        Self {
            policy: policy.clone(),
            candidates: *candidates,
            choices: *choices,
            samples: kept.len() as u64,
            labels,
            weights: Spread::of(kept.iter().map(|kept| f64::from(kept.weight))),
            seconds: *seconds,
            digest: digest(kept),
        }
    }
}

/// SHA-256 of what was trained on.
fn digest(kept: &[Kept]) -> String {
    let mut hash = Sha256::new();
    for Kept { id, times, weight } in kept {
        hash.update(id.0.to_le_bytes());
        hash.update(times.to_le_bytes());
        hash.update(weight.to_le_bytes());
    }
    hex(&hash.finalize())
}

pub(super) fn insert_trained_samples(
    transaction: &Transaction<'_>,
    (branch, trigger): (&str, u64),
    (trained_samples, kept): (&TrainedSamples, &[Kept]),
) -> rusqlite::Result<()> {
    let ids = bitmap(&kept.iter().map(|kept| kept.id.0).collect());
    let bytes = |of: fn(&Kept) -> [u8; 4]| kept.iter().flat_map(of).collect::<Vec<u8>>();
    // more than that often is often enough.
    let times = bytes(|kept| u32::try_from(kept.times).unwrap_or(u32::MAX).to_le_bytes());
    let weights = bytes(|kept| kept.weight.to_le_bytes());
    let json = serde_json::to_string(trained_samples).expect("a summary is plain data");
    let mut insert =
        transaction.prepare_cached("REPLACE INTO trained_samples VALUES (?, ?, ?, ?, ?, ?)")?;
    insert.execute(params![branch, trigger as i64, json, ids, times, weights])?;
    Ok(())
}

impl Catalog {
    /// What the training of a decision trained on; none if that is all that was chosen for it, or it
    /// has no outcome.
    ///
    /// # Errors
    /// When SQLite cannot read it, or it is not what was written.
    pub fn trained_samples(
        &self,
        branch: &str,
        trigger: u64,
    ) -> Result<Option<(TrainedSamples, Vec<Kept>)>, CatalogError> {
        let query = "SELECT summary, ids, times, weights FROM trained_samples WHERE branch = ? AND trigger = ?";
        type Found = (String, Vec<u8>, Vec<u8>, Vec<u8>);
        let found: Option<Found> = self
            .database
            .query_row(query, params![branch, trigger as i64], |row| row.try_into())
            .optional()
            .map_err(CatalogError::database("reading"))?;
        let Some((summary, ids, times, weights)) = found else { return Ok(None) };
        let wrong = |text: &dyn std::fmt::Display| {
            CatalogError::State(format!("what trigger {trigger} trained on: {text}"))
        };
        let trained_samples: TrainedSamples =
            serde_json::from_str(&summary).map_err(|error| wrong(&error))?;
        let ids = parsed(&ids).map_err(|error| wrong(&error))?;
        let words = |bytes: &[u8]| bytes.as_chunks::<4>().0.to_vec();
        let rows = ids.into_iter().zip(words(&times)).zip(words(&weights));
        let kept = rows.map(|((id, times), weight)| Kept {
            id: Id(id),
            times: u32::from_le_bytes(times).into(),
            weight: f32::from_le_bytes(weight),
        });
        let kept: Vec<Kept> = kept.collect();
        if digest(&kept) != trained_samples.digest || kept.len() as u64 != trained_samples.samples {
            return Err(wrong(&"it has another digest"));
        }
        Ok(Some((trained_samples, kept)))
    }
}

#[cfg(test)]
mod tests {
    use super::Spread;

    #[test]
    fn a_spread_says_how_many_equal_ones_tell_as_much() {
        let spread = Spread::of([1.0, 1.0, 1.0, 1.0].into_iter());
        assert_eq!(spread, Spread { min: 1.0, mean: 1.0, max: 1.0, effective: 4.0 });
        let spread = Spread::of([3.0, 1.0].into_iter());
        assert_eq!(spread, Spread { min: 1.0, mean: 2.0, max: 3.0, effective: 1.6 });
        assert_eq!(Spread::of([].into_iter()), Spread::default());
    }
}
