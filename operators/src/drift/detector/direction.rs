//! The direction of a change that a detector reports.

use serde::{Deserialize, Serialize};

/// The direction in which values change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// They grow.
    Up,
    /// They fall.
    Down,
    /// They grow or fall.
    #[default]
    Both,
}

impl Direction {
    /// The part of a change that counts: how far values have `grown`, how far they have `fallen`, or the
    /// larger of both.
    pub(super) fn of(self, grown: f64, fallen: f64) -> f64 {
        match self {
            Self::Up => grown,
            Self::Down => fallen,
            Self::Both => grown.max(fallen),
        }
    }
}
