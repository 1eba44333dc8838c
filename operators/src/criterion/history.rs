//! The last values that a criterion was given.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// The last values that a criterion compared.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History(VecDeque<f64>);

impl History {
    /// Adds a value and keeps the last `most` values.
    pub fn record(&mut self, value: f64, most: usize) {
        self.0.push_back(value);
        let surplus = self.0.len().saturating_sub(most);
        self.0.drain(..surplus);
    }

    /// The quantile `at` (0 to 1) with linear interpolation; none without values.
    ///
    /// ```
    /// use driftmill_operators::criterion::History;
    /// let mut history = History::default();
    /// assert_eq!(history.quantile(0.5), None);
    /// [4.0, 1.0, 2.0].into_iter().for_each(|value| history.record(value, 10));
    /// assert_eq!(history.quantile(0.75), Some(3.0));
    /// ```
    pub fn quantile(&self, at: f64) -> Option<f64> {
        let mut sorted: Vec<f64> = self.0.iter().copied().collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let position = at * sorted.len().checked_sub(1)? as f64;
        let (below, above) = (sorted[position.floor() as usize], sorted[position.ceil() as usize]);
        Some(below + (above - below) * position.fract())
    }

    /// The mean; none without values.
    pub fn average(&self) -> Option<f64> {
        let count = self.0.len();
        (count > 0).then(|| self.0.iter().sum::<f64>() / count as f64)
    }

    /// The values, oldest first.
    pub fn values(&self) -> impl Iterator<Item = f64> {
        self.0.iter().copied()
    }
}
