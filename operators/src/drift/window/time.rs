//! Windows of an event-time span.

use serde::{Deserialize, Serialize};

use super::{Limit, WindowConfig, Windows};
use crate::Span;

pub(super) const EXAMPLE: &str = "reference = \"30d\"\ncurrent = \"7d\"";

/// Windows of a length of event time. Samples exactly as old as the length belong to the window.
///
/// ```
/// use driftmill_operators::{Id, Span, drift::window::*};
/// let [reference, current] = [10, 4].map(Span::from_millis);
/// let mut windows = TimeWindow { reference, current, overlap: false }.init();
/// let at = |times: &[i64]| times.iter().map(|&t| (t, Id(t as u64))).collect::<Vec<_>>();
/// windows.observe(&at(&[0, 1, 2]));
/// windows.trained();
/// windows.observe(&at(&[3, 5, 7]));
/// windows.observe(&at(&[8, 9, 12]));
/// windows.trained();
/// let reference: Vec<i64> = windows.reference().iter().map(|(time, _)| *time).collect();
/// assert_eq!(reference, [2, 3, 5, 7, 8, 9, 12]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TimeWindow {
    /// Length of the reference window, such as `"30d"`.
    pub reference: Span,
    /// Length of the current window, such as `"7d"`.
    pub current: Span,
    /// Whether the current window keeps its samples when they join the reference (default no).
    #[serde(default)]
    pub overlap: bool,
}

impl WindowConfig for TimeWindow {
    fn init(&self) -> Windows {
        let [reference, current] =
            [self.reference, self.current].map(|length| Limit::Millis(length.millis()));
        Windows::new(reference, current, self.overlap)
    }
}
