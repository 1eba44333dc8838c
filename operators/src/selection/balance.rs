//! Balanced sizes and the tables of balanced selections.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::draw::{by_group, in_order};
use super::{Choice, Proposal, fair_share};

/// The treatment of samples that cannot be shared equally in a balanced training set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Shares {
    /// No group gives more than the [fair share](fair_share). Smaller groups give all their samples. The
    /// remainder of less than one sample per group is left out.
    #[default]
    Fair,
    /// The set has exactly the wanted size, if there are enough samples. The remainder goes to random
    /// groups, one sample each.
    Full,
    /// All groups give the same number, at most that of the smallest group.
    Equal,
}

/// The largest share that groups of these sizes in one partition can give. Samples in other partitions
/// only make the share smaller.
pub(super) fn most(sizes: &[usize], samples: Option<NonZeroUsize>) -> usize {
    // one more for the remainder.
    samples.map_or(usize::MAX, |samples| fair_share(samples.get(), sizes) + 1)
}

/// Chooses `target` of the proposed candidates, shared among the groups.
pub(super) fn balanced(proposal: &Proposal, target: usize, shares: Shares, seed: u64) -> Choice {
    let groups = by_group(proposal);
    let sizes: Vec<usize> = groups.values().map(|members| members.count).collect();
    let fair = fair_share(target, &sizes);
    let share = match shares {
        Shares::Fair | Shares::Full => fair,
        Shares::Equal => sizes.iter().copied().min().unwrap_or(0).min(fair),
    };
    let mut more = Vec::new();
    if shares == Shares::Full {
        let given: usize = sizes.iter().map(|size| share.min(*size)).sum();
        let could = groups.iter().filter(|(_, members)| members.count > share);
        let rank = |key: u64| xxh3_64_with_seed(&key.to_le_bytes(), seed);
        more.extend(could.map(|(key, _)| (rank(*key), *key)));
        more.sort_unstable();
        more.truncate(target.saturating_sub(given));
    }
    let mut rows = Vec::new();
    for (key, members) in &groups {
        let one_more = more.iter().any(|(_, group)| group == key);
        members.take(share + usize::from(one_more), &mut rows);
    }
    in_order(rows)
}

/// Defines a selection that is balanced among the groups of `$group`.
macro_rules! balanced_selection {
    ($(#[$about:meta])* $Name:ident, group: |$sample:ident| $group:expr) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(deny_unknown_fields)]
        pub struct $Name {
            /// Number of earlier triggers whose samples are candidates, or `"all"` (default: all).
            #[serde(default = "Tail::all")]
            pub tail: Tail,
            /// The share of the samples within the tail that is chosen (default 1).
            #[serde(default)]
            pub ratio: Ratio,
            /// Maximum number of samples in a training set (default: no limit).
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub samples: Option<std::num::NonZeroUsize>,
            /// Treatment of samples that cannot be shared equally (default `fair`).
            #[serde(default)]
            pub shares: Shares,
            /// Seed of the random choice (default 0).
            #[serde(default)]
            pub seed: u64,
        }

        impl Default for $Name {
            fn default() -> Self {
                let (tail, ratio, shares) = (Tail::all(), Ratio::ALL, Shares::Fair);
                Self { tail, ratio, samples: None, shares, seed: 0 }
            }
        }

        impl Draw for $Name {
            fn tail(&self) -> Tail {
                self.tail
            }

            fn propose(&self, trigger: u64, samples: &[Sample]) -> Proposal {
                let seed = seed_of(self.seed, trigger);
                let most = |sizes: &[usize]| most(sizes, self.samples);
                let group = |$sample: &Sample| $group;
                propose_groups(trigger, samples, most, group, |one| rank(seed, one.position))
            }

            fn choose(&self, proposal: Proposal) -> Choice {
                let target = target(proposal.available, self.ratio, self.samples);
                balanced(&proposal, target, self.shares, seed_of(self.seed, proposal.trigger))
            }
        }
    };
}
pub(super) use balanced_selection;
