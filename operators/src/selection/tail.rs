//! The last samples of a partition.

use serde::{Deserialize, Serialize};

/// The length of the past in a training set: `0`, `1`, … triggers before the last, or `"all"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged, expecting = "wanted a number of triggers, or \"all\"")]
pub enum Tail {
    /// The samples since the last trigger and those of this number of triggers before it.
    Triggers(u32),
    /// All samples.
    All(Everything),
}

/// The word `"all"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Everything {
    /// All samples.
    All,
}

impl Default for Tail {
    fn default() -> Self {
        Self::Triggers(0)
    }
}

impl Tail {
    /// The default tail of policies that choose among old samples.
    pub(super) const fn all() -> Self {
        Self::All(Everything::All)
    }

    /// Whether the samples that entered after `period` triggers are within the tail after `now`.
    pub(super) fn reaches(self, period: u32, now: u32) -> bool {
        match self {
            Self::All(_) => true,
            Self::Triggers(tail) => period >= now.saturating_sub(tail),
        }
    }
}
