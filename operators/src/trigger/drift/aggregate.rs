use std::num::NonZeroUsize;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many metrics must find drift.
///
/// ```
/// use driftmill_operators::trigger::Aggregate;
/// #[derive(serde::Deserialize)]
/// struct Table { aggregate: Aggregate }
/// let table: Table = toml::from_str("aggregate = { at_least = 2 }").unwrap();
/// assert_eq!([1, 2, 3].map(|votes| table.aggregate.holds(votes, 3)), [false, true, true]);
/// assert_eq!([1, 2, 3].map(|votes| Aggregate::Majority.holds(votes, 4)), [false, false, true]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Aggregate {
    /// One is enough.
    #[default]
    Any,
    /// More than half.
    Majority,
    /// All of them.
    All,
    /// So many.
    AtLeast(NonZeroUsize),
}

impl Aggregate {
    /// Whether `votes` of so many are enough.
    pub fn holds(self, votes: usize, of: usize) -> bool {
        match self {
            Self::Any => votes > 0,
            Self::Majority => 2 * votes > of,
            Self::All => votes == of,
            Self::AtLeast(least) => votes >= least.get(),
        }
    }

    /// What is wrong with it for so many votes.
    pub(in crate::trigger) fn check(self, of: usize) -> Option<String> {
        match self {
            Self::AtLeast(least) if least.get() > of => {
                Some(format!("at least {least} of {of} can never agree"))
            }
            _ => None,
        }
    }
}
