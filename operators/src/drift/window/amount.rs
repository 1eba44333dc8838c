//! Windows of a number of samples.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::{Limit, WindowConfig, Windows};

pub(super) const EXAMPLE: &str = "reference = 1000\ncurrent = 500";

/// Windows of a number of samples.
///
/// ```
/// use driftmill_operators::{Id, drift::window::*};
/// let config = AmountWindow {
///     reference: 6.try_into().unwrap(),
///     current: 3.try_into().unwrap(),
///     overlap: false,
/// };
/// let mut windows = config.init();
/// let chunk = |from: u64| (from..from + 3).map(|i| (i as i64, Id(i))).collect::<Vec<_>>();
/// windows.observe(&chunk(0));
/// windows.trained();
/// windows.observe(&chunk(3));
/// windows.observe(&chunk(6));
/// windows.trained();
/// let reference: Vec<u64> = windows.reference().iter().map(|(_, id)| id.0).collect();
/// assert_eq!(reference, [3, 4, 5, 6, 7, 8]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AmountWindow {
    /// Maximum number of samples in the reference window.
    pub reference: NonZeroUsize,
    /// Maximum number of samples in the current window.
    pub current: NonZeroUsize,
    /// Whether the current window keeps its samples when they join the reference (default no).
    #[serde(default)]
    pub overlap: bool,
}

impl WindowConfig for AmountWindow {
    fn init(&self) -> Windows {
        let [reference, current] =
            [self.reference, self.current].map(|limit| Limit::Amount(limit.get()));
        Windows::new(reference, current, self.overlap)
    }
}
