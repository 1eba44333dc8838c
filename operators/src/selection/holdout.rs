//! Holdout samples for evaluation.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{Choice, Proposal, Selection, SelectionConfig};
use crate::snapshot::snapshot_field;
use crate::{Change, Id, Record};

/// A constant that makes these hash values independent of those by which policies choose.
const SALT: u64 = 0x5DEE_CE66_D1CE_CAFE;

/// Excludes a share of all samples from every training set, for evaluation.
///
/// Whether a sample is held out is a hash of its key, or of its id in topics that are not keyed:
///
/// ```text
/// held out  ⇔  hash(seed, key) < fraction · 2⁶⁴
/// ```
///
/// The choice is the same for all versions, pipelines and workers, and a replaced sample is held out if
/// and only if the new one is. A larger fraction holds out all samples of a smaller one, and more.
///
/// ```
/// use std::sync::Arc;
/// use driftmill_operators::{Change, Id, Position, Record, selection::*};
/// let holdout = Holdout::new(0.1, 7)?;
/// let config = holdout.around(Arc::new(NewData::default()));
/// let mut partition = config.init();
/// for i in 0..10_000 {
///     let record = Record::new(Position::new(0, Id(i)), 0, 0, Some(1));
///     partition.observe(&Change::insert(record));
/// }
/// let rows = config.combine(partition.propose(0)).rows;
/// assert!((8_900..9_100).contains(&rows.len()));
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "Parts", into = "Parts")]
#[cfg_attr(feature = "schema", schemars(with = "Parts"))]
pub struct Holdout {
    fraction: f64,
    seed: u64,
}

/// The share that is held out, at least 0 and below 1; or `{ fraction = 0.1, seed = 7 }`.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged, expecting = "wanted a share, as in 0.1, or { fraction = 0.1, seed = 7 }")]
enum Parts {
    /// The share, with seed 0.
    Fraction(f64),
    /// The share and the seed.
    Seeded(Seeded),
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Seeded {
    /// The share that is held out, at least 0 and below 1.
    fraction: f64,
    /// Seed of the choice (default 0). Different seeds hold out different samples.
    #[serde(default)]
    seed: u64,
}

impl TryFrom<Parts> for Holdout {
    type Error = String;

    fn try_from(parts: Parts) -> Result<Self, String> {
        match parts {
            Parts::Fraction(fraction) => Self::new(fraction, 0),
            Parts::Seeded(Seeded { fraction, seed }) => Self::new(fraction, seed),
        }
    }
}

impl From<Holdout> for Parts {
    fn from(holdout: Holdout) -> Self {
        let Holdout { fraction, seed } = holdout;
        if seed == 0 { Self::Fraction(fraction) } else { Self::Seeded(Seeded { fraction, seed }) }
    }
}

impl Holdout {
    /// Holds out a share of the samples.
    ///
    /// # Errors
    /// When the share is not at least 0 and below 1.
    pub fn new(fraction: f64, seed: u64) -> Result<Self, String> {
        let fits = (0.0..1.0).contains(&fraction);
        fits.then_some(Self { fraction, seed })
            .ok_or_else(|| format!("wanted a share from 0, below 1, not {fraction}"))
    }

    /// Whether nothing is held out.
    pub fn is_none(&self) -> bool {
        self.fraction == 0.0
    }

    /// Whether a sample is held out.
    pub fn holds_out(&self, record: &Record) -> bool {
        let hash = match record.key {
            0 => xxh3_64_with_seed(&record.id().0.to_le_bytes(), self.seed ^ SALT),
            key => xxh3_64_with_seed(&key.to_le_bytes(), self.seed ^ SALT),
        };
        // the product is exact, and the largest fraction below 1 stays below 2⁶⁴.
        hash < (self.fraction * 2f64.powi(64)) as u64
    }

    /// The same policy without the samples that are held out.
    pub fn around(self, inner: Arc<dyn SelectionConfig>) -> Arc<dyn SelectionConfig> {
        if self.is_none() { inner } else { Arc::new(HeldOut { holdout: self, inner }) }
    }
}

struct HeldOut {
    holdout: Holdout,
    inner: Arc<dyn SelectionConfig>,
}

impl SelectionConfig for HeldOut {
    fn init(&self) -> Box<dyn Selection> {
        Box::new(HeldOutPartition { holdout: self.holdout, inner: self.inner.init() })
    }

    fn combine(&self, proposal: Proposal) -> Choice {
        self.inner.combine(proposal)
    }

    fn remembers(&self) -> bool {
        self.inner.remembers()
    }
}

struct HeldOutPartition {
    holdout: Holdout,
    inner: Box<dyn Selection>,
}

snapshot_field!(HeldOutPartition: inner);

impl Selection for HeldOutPartition {
    fn observe(&mut self, change: &Change) {
        if !self.holdout.holds_out(&change.record) {
            self.inner.observe(change);
        }
    }

    fn observe_all(&mut self, changes: &[Change]) {
        let held_out = |change: &Change| self.holdout.holds_out(&change.record);
        for run in changes.chunk_by(|a, b| held_out(a) == held_out(b)) {
            if !held_out(&run[0]) {
                self.inner.observe_all(run);
            }
        }
    }

    fn propose(&mut self, trigger: u64) -> Proposal {
        self.inner.propose(trigger)
    }

    fn chosen(&mut self, ids: &[Id], round: u64) {
        self.inner.chosen(ids, round);
    }

    fn retained_samples(&self, visit: &mut dyn FnMut(Id)) {
        self.inner.retained_samples(visit);
    }
}
