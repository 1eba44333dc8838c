//! Which samples are compared: a reference window and a current window.
//!
//! Between two trainings the reference stays as it is and the current window slides. When a model
//! was made, what the windows held moves into the reference: it is the newest part of everything
//! up to the last training, not only of that training's set.

use crate::Id;

/// The configuration of windows: a `windows.…` table.
pub trait WindowConfig: Send + Sync {
    /// Empty windows of this kind.
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
