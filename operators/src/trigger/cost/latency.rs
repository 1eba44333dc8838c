//! The cost of samples that are not trained yet.

use serde::{Deserialize, Serialize};

/// The area under the number of units that the newest model was not trained on, over event time.
///
/// Times are in milliseconds, areas in units times seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Latency {
    area: f64,
    height: f64,
}

impl Latency {
    /// Adds one unit at each of `times`, which are between `start` and `end`.
    pub(crate) fn add_each(&mut self, times: impl Iterator<Item = i64>, start: i64, end: i64) {
        self.area += self.height * seconds(start, end);
        for time in times {
            self.area += seconds(time, end);
            self.height += 1.0;
        }
    }

    /// Adds `units`, spread evenly between `start` and `end`.
    pub(crate) fn add_evenly(&mut self, units: f64, start: i64, end: i64) {
        self.area += (self.height + units / 2.0) * seconds(start, end);
        self.height += units;
    }

    /// The area so far.
    pub(crate) fn area(&self) -> f64 {
        self.area
    }
}

fn seconds(start: i64, end: i64) -> f64 {
    end.saturating_sub(start) as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::Latency;

    #[test]
    fn areas_are_those_of_modyn() {
        let mut latency = Latency::default();
        latency.add_each([0, 5_000, 10_000].into_iter(), 0, 10_000);
        assert_eq!(latency.area(), 15.0);
        latency.add_each([12_000, 20_000].into_iter(), 10_000, 20_000);
        assert_eq!(latency.area(), 53.0);
        latency.add_evenly(4.0, 20_000, 30_000);
        assert_eq!(latency.area(), 123.0);
    }
}
