//! The windows of compared samples: a reference window and a current window.
//!
//! Between two trainings the reference does not change and the current window slides. When a version has
//! been trained, the samples in the windows move into the reference. The reference therefore holds the
//! newest samples up to the last training, not only those of its training set.

use crate::Id;

/// The configuration of windows: a `windows.…` table.
pub trait WindowConfig: Send + Sync {
    /// Creates empty windows of this kind.
    fn init(&self) -> Windows;
}

driftmill_registry::one_of! {
    /// The `windows` table of a drift trigger.
    #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
    WindowTable: dyn WindowConfig {
        amount: AmountWindow,
        time: TimeWindow,
    }
}

mod windows;

pub use windows::{Limit, Windows};

/// A sample in a window: its position time in milliseconds and its id.
pub type Item = (i64, Id);
