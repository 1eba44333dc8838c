//! The samples that a training used, if they are only a part of its training set.

use std::collections::BTreeMap;

use driftmill_operators::Id;
use driftmill_operators::downsampling::{Downsampled, Kept};
use driftmill_operators::selection::TrainingSet;
use roaring::RoaringTreemap;
use rusqlite::{Row, Transaction, named_params, params};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::expired::{bitmap, bitmap_of};
use super::table::{Record, TRAINED_SAMPLES, Table, undecodable};
use super::{Catalog, CatalogError};

/// A summary of the samples that a training used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainedSamples {
    /// Key of the downsampling policy.
    pub policy: String,
    /// Number of samples that it could choose from.
    pub candidates: u64,
    /// Number of choices.
    pub choices: u64,
    /// Number of samples that were trained on.
    pub samples: u64,
    /// Number of these samples by class.
    pub labels: BTreeMap<u32, u64>,
    /// Statistics of their weights.
    pub weights: Spread,
    /// Seconds spent on choices, by the wall clock.
    pub seconds: f64,
    /// SHA-256 of id (64 bits), times (64) and weight (32) of each sample, little-endian, in the order
    /// of ids.
    pub digest: String,
}

/// Summary statistics of numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The smallest.
    pub min: f64,
    /// The mean.
    pub mean: f64,
    /// The largest.
    pub max: f64,
    /// The effective sample size, (Σw)² / Σw².
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
    /// The summary of a training on `set`.
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

/// The SHA-256 of the samples that were trained on.
fn digest(kept: &[Kept]) -> String {
    let mut hash = Sha256::new();
    for Kept { id, times, weight } in kept {
        hash.update(id.0.to_le_bytes());
        hash.update(times.to_le_bytes());
        hash.update(weight.to_le_bytes());
    }
    hex::encode(hash.finalize())
}

pub(super) fn insert_trained_samples(
    transaction: &Transaction<'_>,
    branch: &str,
    trigger: u64,
    summary: &TrainedSamples,
    kept: &[Kept],
) -> rusqlite::Result<()> {
    let ids = bitmap(&kept.iter().map(|kept| kept.id.0).collect());
    let bytes = |of: fn(&Kept) -> [u8; 4]| kept.iter().flat_map(of).collect::<Vec<u8>>();
    // counts beyond 32 bits are recorded as the largest 32-bit number.
    let times = bytes(|kept| u32::try_from(kept.times).unwrap_or(u32::MAX).to_le_bytes());
    let weights = bytes(|kept| kept.weight.to_le_bytes());
    let mut insert = transaction.prepare_cached(&TRAINED_SAMPLES.insert("REPLACE"))?;
    insert.execute(named_params! {
        ":branch": branch,
        ":trigger": trigger as i64,
        ":summary": serde_json::to_string(summary).expect("a summary is plain data"),
        ":ids": ids,
        ":times": times,
        ":weights": weights,
    })?;
    Ok(())
}

/// A row of the table: the summary, and each sample with its count and weight.
struct TrainedRow(TrainedSamples, Vec<Kept>);

impl Record for TrainedRow {
    const TABLE: &'static Table = &TRAINED_SAMPLES;

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let summary: String = row.get("summary")?;
        let summary: TrainedSamples =
            serde_json::from_str(&summary).map_err(|error| undecodable(row, "summary", error))?;
        let ids = bitmap_of(row, "ids")?;
        let words = |column| {
            let bytes: Vec<u8> = row.get(column)?;
            Ok::<_, rusqlite::Error>(bytes.as_chunks::<4>().0.to_vec())
        };
        let rows = ids.into_iter().zip(words("times")?).zip(words("weights")?);
        let kept = rows.map(|((id, times), weight)| Kept {
            id: Id(id),
            times: u32::from_le_bytes(times).into(),
            weight: f32::from_le_bytes(weight),
        });
        let kept: Vec<Kept> = kept.collect();
        if digest(&kept) != summary.digest || kept.len() as u64 != summary.samples {
            return Err(undecodable(row, "ids", "the samples have another digest"));
        }
        Ok(Self(summary, kept))
    }
}

impl Catalog {
    /// The samples that the training of a decision used; none if it used all chosen samples, or if the
    /// decision has no outcome.
    ///
    /// # Errors
    /// When SQLite cannot read it, or it is damaged.
    pub fn trained_samples(
        &self,
        branch: &str,
        trigger: u64,
    ) -> Result<Option<(TrainedSamples, Vec<Kept>)>, CatalogError> {
        let decision = params![branch, trigger as i64];
        let found = self.read("WHERE branch = ? AND trigger = ?", decision)?.pop();
        Ok(found.map(|TrainedRow(summary, kept)| (summary, kept)))
    }
}

#[cfg(test)]
mod tests {
    use super::Spread;

    #[test]
    fn a_spread_has_the_effective_sample_size() {
        let spread = Spread::of([1.0, 1.0, 1.0, 1.0].into_iter());
        assert_eq!(spread, Spread { min: 1.0, mean: 1.0, max: 1.0, effective: 4.0 });
        let spread = Spread::of([3.0, 1.0].into_iter());
        assert_eq!(spread, Spread { min: 1.0, mean: 2.0, max: 3.0, effective: 1.6 });
        assert_eq!(Spread::of([].into_iter()), Spread::default());
    }
}
