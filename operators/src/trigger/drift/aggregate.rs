use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many metrics must find drift.
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
}

impl Aggregate {
    /// Whether `votes` of so many metrics are enough.
    pub(super) fn holds(self, votes: usize, of: usize) -> bool {
        match self {
            Self::Any => votes > 0,
            Self::Majority => 2 * votes > of,
            Self::All => votes == of,
        }
    }
}
