//! The direction of a change that a detector reports.

use serde::{Deserialize, Serialize};

/// Which way values change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// They grow.
    Up,
    /// They fall.
    Down,
    /// One or the other.
    #[default]
    Both,
}

impl Direction {
    /// Of how far values have `grown` and how far they have `fallen`, what counts.
    pub(super) fn of(self, grown: f64, fallen: f64) -> f64 {
        match self {
            Self::Up => grown,
            Self::Down => fallen,
            Self::Both => grown.max(fallen),
        }
    }
}
