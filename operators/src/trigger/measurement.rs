//! Measurements of trigger policies.

use serde::{Deserialize, Serialize};

use crate::Id;

/// One evaluation of a policy: its scores, whether or not they led to a decision.
///
/// Equal streams, answers and outcomes lead to equal measurements.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// The policy's key in the pipeline file.
    pub policy: String,
    /// Its name as a member of a combined policy.
    pub member: Option<String>,
    /// The measured values, in the order of the table.
    pub scores: Vec<Score>,
    /// The samples that were evaluated.
    pub windows: Vec<WindowBounds>,
    /// The parts of this measurement: those of the members of a combined policy, or comparisons that only
    /// begin a history.
    pub members: Vec<Measurement>,
}

impl Measurement {
    /// Creates a measurement without scores.
    pub fn of(policy: &str) -> Self {
        Self { policy: policy.to_owned(), ..Self::default() }
    }
}

/// A measured value and its threshold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// The metric's key in the pipeline file.
    pub metric: String,
    /// The measured value.
    pub value: f64,
    /// The threshold that the value was compared with; none if there is no threshold yet.
    pub threshold: Option<f64>,
    /// The p-value: the probability of a value at least as extreme without drift, if it was computed.
    pub p_value: Option<f64>,
    /// Whether the metric votes for training.
    pub fires: bool,
}

/// The samples of a window: their number, the first and the last.
///
/// Times are those of positions. They are event times, except for late samples.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowBounds {
    /// The name of the window, such as `reference`.
    pub name: String,
    /// Number of samples in the window.
    pub samples: u64,
    /// Time of the first sample, in milliseconds since 1970; none for an empty window.
    pub first_time: Option<i64>,
    /// Time of the last sample.
    pub last_time: Option<i64>,
    /// The first sample.
    pub first: Option<Id>,
    /// The last sample.
    pub last: Option<Id>,
}

impl WindowBounds {
    /// The bounds of `items`, times and ids in ascending order.
    ///
    /// ```
    /// use driftmill_operators::{Id, trigger::WindowBounds};
    /// let bounds = WindowBounds::of("current", [(10, Id(1)), (20, Id(2))].iter());
    /// assert_eq!((bounds.samples, bounds.first_time, bounds.last), (2, Some(10), Some(Id(2))));
    /// ```
    pub fn of<'a>(
        name: &str,
        items: impl DoubleEndedIterator<Item = &'a (i64, Id)> + ExactSizeIterator,
    ) -> Self {
        let (samples, mut items) = (items.len() as u64, items.copied());
        let first = items.next();
        let last = items.next_back().or(first);
        Self {
            name: name.to_owned(),
            samples,
            first_time: first.map(|(time, _)| time),
            last_time: last.map(|(time, _)| time),
            first: first.map(|(_, id)| id),
            last: last.map(|(_, id)| id),
        }
    }
}
