//! Forecasts of the next value of a series.

use serde::{Deserialize, Serialize};

use super::ridge;

/// Minimum number of values for a line.
const FEWEST: u64 = 5;
/// The ridge penalty of the slope.
const PENALTY: f64 = 0.5;

/// The forecast of the next value of a series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Forecast {
    /// A line through the values, by ridge regression with penalty ½; the mean if there are fewer than five
    /// values.
    #[default]
    Ridge,
    /// The mean of the values.
    RollingAverage,
}

/// A series of values, stored as the sums that forecasts need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Trend {
    count: u64,
    sum: f64,
    /// Σ i · value, i = 0, 1, 2, …
    weighted: f64,
}

impl Trend {
    pub(super) fn push(&mut self, value: f64) {
        self.weighted += self.count as f64 * value;
        self.sum += value;
        self.count += 1;
    }

    /// The forecast of the next value; none without values.
    pub(super) fn forecast(&self, method: Forecast) -> Option<f64> {
        let n = self.count as f64;
        let mean = (self.count > 0).then(|| self.sum / n)?;
        if method == Forecast::RollingAverage || self.count < FEWEST {
            return Some(mean);
        }
        // the mean of 0, 1, …, n − 1.
        let middle = (n - 1.0) / 2.0;
        let squares = n * (n * n - 1.0) / 12.0;
        let slope = ridge::slope(squares, self.weighted - middle * self.sum, PENALTY);
        Some(mean + slope * (n - middle))
    }
}

#[cfg(test)]
mod tests {
    use super::{Forecast, Trend};

    fn forecast(values: &[f64], method: Forecast) -> f64 {
        let mut trend = Trend::default();
        values.iter().for_each(|value| trend.push(*value));
        trend.forecast(method).unwrap()
    }

    #[test]
    fn forecasts_are_those_of_modyn() {
        let cases = [
            (&[1.0, 2.0, 3.0, 4.0][..], Forecast::Ridge, 2.5),
            (&[1.0, 2.0, 3.0, 4.0, 5.0], Forecast::Ridge, 5.857142857),
            (&[0.9, 0.8, 0.85, 0.7, 0.75, 0.6], Forecast::Ridge, 0.5916666667),
            (&[1.0, 2.0, 3.0, 4.0, 5.0], Forecast::RollingAverage, 3.0),
        ];
        for (values, method, wanted) in cases {
            let found = forecast(values, method);
            assert!((found - wanted).abs() < 1e-9, "{values:?}: {found}, not {wanted}");
        }
        assert_eq!(Trend::default().forecast(Forecast::Ridge), None);
    }
}
