//! Selection of fresh samples first.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::draw::{by_group, in_order, propose_groups, rank, seed_of};
use super::partition::Partition;
use super::pool::{Pool, Sample};
use super::{Choice, Proposal, Selection, SelectionConfig};
use crate::{Change, Id};

pub(super) const EXAMPLE: &str = "unused_ratio = 0.5";

const UNUSED: u32 = 0;
const USED: u32 = 1;

/// A mix of samples that were never in a training set and of samples that were, at random.
///
/// With U unused and V used samples and r = `unused_ratio`, the set is as large as the smaller of them
/// allows, and at most `limit`; of a limited set ⌊r · limit⌋ are unused:
///
/// ```text
/// size = min(⌊U / r⌋, ⌊V / (1 − r)⌋, limit)
/// ```
///
/// While no sample has been used, all unused samples are chosen, at most `limit`. While no sample is
/// unused, no sample is chosen. A sample is used once it was in a training set, even if the training
/// failed. With another label it is unused again. Replaced and deleted samples are removed.
///
/// Memory: position, event time, label and use of each sample, 32 bytes. Partitions wait after each
/// proposal until they know the choice.
///
/// ```
/// use driftmill_operators::{Change, Id, Position, Record, selection::*};
/// let config: Freshness = Freshness::new(UnusedRatio::try_from(0.25)?);
/// let mut partition = config.init();
/// let mut train = |trigger, ids: std::ops::Range<u64>| {
///     for i in ids {
///         let record = Record::new(Position::new(0, Id(i)), 0, 0, Some(1));
///         partition.observe(&Change::insert(record));
///     }
///     let chosen: Vec<Id> =
///         config.combine(partition.propose(trigger)).rows.iter().map(|row| row.id()).collect();
///     partition.chosen(&chosen, 0);
///     chosen
/// };
/// assert_eq!(train(0, 0..90).len(), 90);
/// // 10 unused samples, and three times as many used ones.
/// let second = train(1, 90..100);
/// assert_eq!(second.iter().filter(|id| id.0 >= 90).count(), 10);
/// assert_eq!(second.len(), 40);
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Freshness {
    /// The share of the training set that was in none before: above 0, below 1.
    pub unused_ratio: UnusedRatio,
    /// Maximum number of samples in a training set (default: no limit).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<NonZeroUsize>,
    /// Seed of the random choice (default 0).
    #[serde(default)]
    pub seed: u64,
}

/// A share above 0 and below 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "f64", into = "f64")]
#[cfg_attr(feature = "schema", schemars(with = "f64"))]
pub struct UnusedRatio(f64);

impl TryFrom<f64> for UnusedRatio {
    type Error = String;

    fn try_from(share: f64) -> Result<Self, String> {
        let fits = share > 0.0 && share < 1.0;
        fits.then_some(Self(share))
            .ok_or_else(|| format!("wanted a share above 0, below 1, not {share}"))
    }
}

impl From<UnusedRatio> for f64 {
    fn from(ratio: UnusedRatio) -> f64 {
        ratio.0
    }
}

impl Freshness {
    /// A mix with this ratio, without a limit.
    pub fn new(unused_ratio: UnusedRatio) -> Self {
        Self { unused_ratio, limit: None, seed: 0 }
    }

    /// The numbers of unused and used samples to choose, given how many there are.
    fn mix(&self, unused: usize, used: usize) -> (usize, usize) {
        let limit = self.limit.map_or(usize::MAX, NonZeroUsize::get);
        if used == 0 {
            return (unused.min(limit), 0);
        }
        // a value that is below a whole number only by rounding is that number.
        let whole = |value: f64| (value * (1.0 + 4.0 * f64::EPSILON)) as usize;
        let share = self.unused_ratio.0;
        let by_unused = whole(unused as f64 / share);
        let by_used = whole(used as f64 / (1.0 - share));
        let size = by_unused.min(by_used);
        if size > limit {
            let unused = whole(limit as f64 * share).min(unused);
            (unused, (limit - unused).min(used))
        } else if by_unused > by_used {
            (size.saturating_sub(used).min(unused), used)
        } else {
            (unused, size.saturating_sub(unused).min(used))
        }
    }
}

impl SelectionConfig for Freshness {
    fn init(&self) -> Box<dyn Selection> {
        Box::new(Partition::<_, Pool>::new(self))
    }

    fn combine(&self, proposal: Proposal) -> Choice {
        let groups = by_group(&proposal);
        let [unused, used] = [UNUSED, USED].map(|mark| groups.get(&u64::from(mark)));
        let count = |group: Option<&super::draw::Members<'_>>| group.map_or(0, |group| group.count);
        let (fresh, again) = self.mix(count(unused), count(used));
        let mut rows = Vec::new();
        for (group, most) in unused.into_iter().zip([fresh]).chain(used.into_iter().zip([again])) {
            group.take(most, &mut rows);
        }
        in_order(rows)
    }

    fn remembers(&self) -> bool {
        true
    }
}

impl Selection for Partition<Freshness, Pool> {
    fn observe(&mut self, change: &Change) {
        self.state.observe(change, UNUSED);
    }

    fn propose(&mut self, trigger: u64) -> Proposal {
        let seed = seed_of(self.config.seed, trigger);
        let used = |sample: &Sample| u64::from(sample.mark);
        let rank = |sample: &Sample| rank(seed, sample.position);
        let most = self.config.limit.map_or(usize::MAX, NonZeroUsize::get);
        propose_groups(trigger, self.state.settle(), |_| most, used, rank)
    }

    fn chosen(&mut self, ids: &[Id], _round: u64) {
        self.state.mark(ids, USED);
    }

    fn retained_samples(&self, visit: &mut dyn FnMut(Id)) {
        self.state.retained_samples(visit);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mix(share: f64, limit: usize, unused: usize, used: usize) -> (usize, usize) {
        let unused_ratio = UnusedRatio::try_from(share).unwrap();
        Freshness { limit: NonZeroUsize::new(limit), ..Freshness::new(unused_ratio) }
            .mix(unused, used)
    }

    #[test]
    fn worked_examples() {
        assert_eq!(mix(0.5, 0, 10, 0), (10, 0));
        assert_eq!(mix(0.5, 4, 10, 0), (4, 0));
        assert_eq!(mix(0.5, 0, 10, 100), (10, 10));
        assert_eq!(mix(0.9, 0, 100, 5), (45, 5));
        assert_eq!(mix(0.3, 10, 100, 100), (3, 7));
        assert_eq!(mix(0.1, 0, 0, 50), (0, 0));
    }

    proptest! {
        #[test]
        fn the_mix_has_its_ratio_and_the_largest_possible_size(
            percent in 1u32..100, unused in 0usize..500, used in 1usize..500, limit in 0usize..300,
        ) {
            let share = f64::from(percent) / 100.0;
            let (fresh, again) = mix(share, limit, unused, used);
            let size = fresh + again;
            prop_assert!(fresh <= unused && again <= used);
            prop_assert!((fresh as f64 - share * size as f64).abs() <= 1.0);
            let could = (unused as f64 / share).min(used as f64 / (1.0 - share)) + 1e-9;
            let could = (could as usize).min(NonZeroUsize::new(limit).map_or(usize::MAX, |l| l.get()));
            prop_assert_eq!(size, could);
        }
    }
}
