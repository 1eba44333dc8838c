//! The combination of several verdicts.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

/// The number of votes that is enough, among the metrics of a drift trigger or the members of an ensemble.
///
/// ```
/// use driftmill_operators::trigger::Aggregate;
/// #[derive(serde::Deserialize)]
/// struct Table { aggregate: Aggregate }
/// let table: Table = toml::from_str("aggregate = { at_least = 2 }").unwrap();
/// assert_eq!([1, 2, 3].map(|votes| table.aggregate.holds(votes, 3)), [false, true, true]);
/// assert_eq!([1, 2, 3].map(|votes| Aggregate::Majority.holds(votes, 4)), [false, false, true]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Aggregate {
    /// One vote is enough.
    #[default]
    Any,
    /// More than half of the votes.
    Majority,
    /// All votes.
    All,
    /// This number of votes.
    AtLeast(NonZeroUsize),
}

impl Aggregate {
    /// Whether `votes` of `of` votes are enough.
    pub fn holds(self, votes: usize, of: usize) -> bool {
        votes >= self.least(of)
    }

    /// The minimum number of votes that is enough.
    pub fn least(self, of: usize) -> usize {
        match self {
            Self::Any => 1,
            Self::Majority => of / 2 + 1,
            Self::All => of,
            Self::AtLeast(least) => least.get(),
        }
    }

    /// The problem of this rule for a number of metrics.
    pub(in crate::trigger) fn check(self, of: usize) -> Option<String> {
        match self {
            Self::AtLeast(least) if least.get() > of => {
                Some(format!("at least {least} of {of} can never agree"))
            }
            _ => None,
        }
    }
}
