//! Random selection with weights that decay with age.

use std::f64::consts::LN_2;
use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::draw::{choose, propose, rank, seed_of};
use super::pool::Sample;
use super::size::target;
use super::windowed::Draw;
use super::{Choice, Proposal, Ratio, Tail};
use crate::Span;

pub(super) const EXAMPLE: &str = "half_life = \"1d\"\nsamples = 100";

/// A random choice that prefers new samples: the weight of a sample halves with every half-life of event
/// time.
///
/// Samples are drawn one after another without replacement, with probabilities proportional to their
/// weights. This is the same as choosing the samples of the smallest keys, with u uniform in (0, 1):
///
/// ```text
/// w = 2^(−(now − time) / half_life)      key = ln(−ln u / w) = ln(−ln u) + (now − time) · ln 2 / half_life
/// ```
///
/// `now` is the same for all samples and is left out. A key therefore stays in the range of its number
/// type, whatever the age of a sample. If few of many samples of a steady stream are chosen, about half of
/// them are from the last half-life. The size of the set is min(⌊ratio · available⌋, samples), and all
/// samples have the same weight in the loss.
///
/// Memory: position, event time and label of each sample within the tail, 32 bytes.
///
/// Reference: P. S. Efraimidis, P. G. Spirakis, *Weighted random sampling with a reservoir*, Information
/// Processing Letters 97 (2006), algorithm A-ES. (The keys there are u^(1/w), and the largest are chosen.
/// The order is the same.)
///
/// ```
/// use driftmill_operators::{Change, Id, Position, Record, Span, selection::*};
/// let config: TimeDecayed = TimeDecayed {
///     samples: 1000.try_into().ok(),
///     ..TimeDecayed::new(Span::from_millis(1_000).try_into()?)
/// };
/// let mut partition = config.init();
/// for i in 0..100_000u64 {
///     let time = i as i64;
///     let record = Record::new(Position::new(time, Id(i)), 0, time, Some(1));
///     partition.observe(&Change::insert(record));
/// }
/// let rows = config.combine(partition.propose(0)).rows;
/// assert_eq!(rows.len(), 1000);
/// // the sum of all weights is that of 1443 new samples: more than half of the last 1000 are chosen.
/// assert!(rows.iter().filter(|row| row.id() >= Id(99_000)).count() > 400);
/// assert!(rows.iter().all(|row| row.id() >= Id(80_000)));
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TimeDecayed {
    /// Event time after which the weight of a sample is half: above 0.
    pub half_life: HalfLife,
    /// Number of earlier triggers whose samples are candidates, or `"all"` (default: all).
    #[serde(default = "Tail::all")]
    pub tail: Tail,
    /// The share of the samples within the tail that is chosen (default 1).
    #[serde(default)]
    pub ratio: Ratio,
    /// Maximum number of samples in a training set (default: no limit).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<NonZeroUsize>,
    /// Seed of the random choice (default 0).
    #[serde(default)]
    pub seed: u64,
}

/// A length of event time above 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "Span", into = "Span")]
#[cfg_attr(feature = "schema", schemars(with = "Span"))]
pub struct HalfLife(Span);

impl TryFrom<Span> for HalfLife {
    type Error = String;

    fn try_from(span: Span) -> Result<Self, String> {
        (span.millis() > 0).then_some(Self(span)).ok_or_else(|| "wanted a time above 0".to_owned())
    }
}

impl From<HalfLife> for Span {
    fn from(half_life: HalfLife) -> Span {
        half_life.0
    }
}

impl TimeDecayed {
    /// A choice among all samples with this half-life.
    pub fn new(half_life: HalfLife) -> Self {
        Self { half_life, tail: Tail::all(), ratio: Ratio::ALL, samples: None, seed: 0 }
    }
}

impl Draw for TimeDecayed {
    fn tail(&self) -> Tail {
        self.tail
    }

    fn propose(&self, trigger: u64, samples: &[Sample]) -> Proposal {
        let seed = seed_of(self.seed, trigger);
        let rate = LN_2 / self.half_life.0.millis() as f64;
        propose(trigger, samples, self.samples.map(NonZeroUsize::get), |sample| {
            ordered(key(rank(seed, sample.position), sample.time, rate))
        })
    }

    fn choose(&self, proposal: Proposal) -> Choice {
        choose(&proposal, target(proposal.available, self.ratio, self.samples))
    }
}

/// The key of a sample whose hash is `hash`. Among equal times it is the logarithm of an exponential
/// variable.
fn key(hash: u64, time: i64, rate: f64) -> f64 {
    // the upper 52 bits, in the middle of their cells: neither 0 nor 1.
    let u = ((hash >> 12) as f64 + 0.5) / (1u64 << 52) as f64;
    libm::log(-libm::log(u)) - time as f64 * rate
}

/// Maps a number to an integer with the same order.
fn ordered(value: f64) -> u64 {
    let bits = value.to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_their_order_and_are_numbers() {
        let values = [f64::NEG_INFINITY, -2.5, -1e-300, 0.0, 1e-300, 1.0, 2.5, f64::INFINITY];
        assert!(values.windows(2).all(|pair| ordered(pair[0]) < ordered(pair[1])));
        for hash in [0, 1 << 11, u64::MAX / 2, u64::MAX] {
            for time in [i64::MIN, 0, 1_700_000_000_000, i64::MAX] {
                assert!(key(hash, time, LN_2).is_finite());
            }
        }
    }

    #[test]
    fn a_half_life_older_has_half_the_rate() {
        // −ln u / w is exponential with rate w: its mean doubles.
        let mean = |time| {
            let values = (0..100_000u64).map(|i| {
                libm::exp(key(xxhash_rust::xxh3::xxh3_64(&i.to_le_bytes()), time, LN_2 / 10.0))
            });
            values.sum::<f64>() / 1e5
        };
        assert!((mean(0) - 1.0).abs() < 0.02);
        assert!((mean(-10) - 2.0).abs() < 0.04);
    }
}
