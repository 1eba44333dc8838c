//! Criteria for measured values: fixed bounds, bounds that follow the last values, and significance
//! levels.

mod average;
mod history;
mod p_value;
mod quantile;

pub use average::{AboveAverage, BelowAverage};
pub use history::History;
pub use p_value::{Correction, Significance};
pub use quantile::Quantile;

use serde::{Deserialize, Serialize};

/// The criterion for a measured value: the `threshold` of a table.
///
/// ```
/// use driftmill_operators::criterion::*;
/// #[derive(serde::Deserialize)]
/// struct Table { threshold: Criterion }
/// let table: Table = toml::from_str("threshold = { quantile = 0.5, of = 3 }").unwrap();
/// let mut history = History::default();
/// let fires: Vec<bool> = [1.0, 2.0, 2.0, 1.5]
///     .into_iter()
///     .map(|value| table.threshold.compare(&mut history, Direction::Higher, value.into()).fires)
///     .collect();
/// // the thresholds are none, 1, 1.5 and 2.
/// assert_eq!(fires, [false, true, true, false]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(
    untagged,
    expecting = "wanted a number, { quantile = 0.95, of = 10 }, { above_average = 0.05, of = 10, \
                 relative = true } (or below_average) or { p_value = 0.05, permutations = 100, \
                 seed = 0, correction = \"bonferroni\" }"
)]
pub enum Criterion {
    /// A fixed bound. A value equal to the bound fires.
    Value(f64),
    /// A quantile of the last values.
    Quantile(Quantile),
    /// A deviation above the average of the last values.
    Above(AboveAverage),
    /// A deviation below the average of the last values.
    Below(BelowAverage),
    /// A significance level for the p-value of a distance.
    Significance(Significance),
}

/// The side of the bound on which a value fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Above the bound: for distances and errors.
    Higher,
    /// Below the bound: for accuracies.
    Lower,
}

/// A measured value, with its p-value if the criterion needs one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// The value.
    pub value: f64,
    /// The probability of a value at least as extreme without drift.
    pub p_value: Option<f64>,
}

/// The result of comparing a value with a criterion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// The bound for the value, or for its p-value if it has one; none without a history.
    pub threshold: Option<f64>,
    /// Whether the value fires.
    pub fires: bool,
}

impl From<f64> for Criterion {
    fn from(bound: f64) -> Self {
        Self::Value(bound)
    }
}

impl From<f64> for Measured {
    fn from(value: f64) -> Self {
        Self { value, p_value: None }
    }
}

impl Criterion {
    /// Problems of the criterion for values that fire in `direction`.
    pub fn check(&self, direction: Direction) -> Vec<String> {
        let higher = direction == Direction::Higher;
        let problem = match self {
            Self::Value(bound) if !bound.is_finite() => "the threshold must be a finite number",
            Self::Quantile(table) => return table.check(),
            Self::Above(_) if !higher => "low values fire here: use below_average",
            Self::Below(_) if higher => "high values fire here: use above_average",
            Self::Above(AboveAverage { above_average: deviation, .. })
            | Self::Below(BelowAverage { below_average: deviation, .. })
                if !deviation.is_finite() =>
            {
                "the deviation from the average must be a finite number"
            }
            Self::Significance(_) if !higher => "p_value needs a distance of two samples",
            Self::Significance(table) => return table.check(),
            _ => return Vec::new(),
        };
        vec![problem.to_owned()]
    }

    /// Number of last values that the criterion needs; none if it needs no history.
    pub fn remembers(&self) -> Option<usize> {
        match self {
            Self::Value(_) | Self::Significance(_) => None,
            Self::Quantile(table) => Some(table.of.get()),
            Self::Above(table) => Some(table.of.get()),
            Self::Below(table) => Some(table.of.get()),
        }
    }

    /// The significance level, if the criterion needs a p-value.
    pub fn significance(&self) -> Option<&Significance> {
        match self {
            Self::Significance(table) => Some(table),
            _ => None,
        }
    }

    /// The relation between a value that fires and the threshold, for display.
    pub fn sign(&self, direction: Direction) -> &'static str {
        match (self, direction) {
            (Self::Significance(_), _) | (Self::Quantile(_), Direction::Lower) => "<",
            (Self::Quantile(_), Direction::Higher) => ">",
            (_, Direction::Higher) => "≥",
            (_, Direction::Lower) => "≤",
        }
    }

    /// Compares a value with the threshold, then adds it to the history.
    ///
    /// A value does not fire while the history is empty, because there is no threshold yet. (Modyn
    /// fires in this case and trains after its first comparison.)
    pub fn compare(
        &self,
        history: &mut History,
        direction: Direction,
        measured: Measured,
    ) -> Comparison {
        let value = measured.value;
        let threshold = match self {
            Self::Value(bound) => Some(*bound),
            Self::Quantile(table) => history.quantile(table.quantile),
            Self::Above(table) => history.average().map(|average| table.bound(average)),
            Self::Below(table) => history.average().map(|average| table.bound(average)),
            Self::Significance(table) => Some(table.p_value),
        };
        self.record(history, value);
        let beyond = |threshold: f64| match (self, direction) {
            (Self::Significance(_), _) => {
                measured.p_value.is_some_and(|p_value| p_value < threshold)
            }
            (Self::Quantile(_), Direction::Higher) => value > threshold,
            (Self::Quantile(_), Direction::Lower) => value < threshold,
            (_, Direction::Higher) => value >= threshold,
            (_, Direction::Lower) => value <= threshold,
        };
        Comparison { threshold, fires: threshold.is_some_and(beyond) }
    }

    /// Adds a value to the history without comparing it.
    pub fn record(&self, history: &mut History, value: f64) {
        if let Some(most) = self.remembers() {
            history.record(value, most);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fires(criterion: &Criterion, direction: Direction, values: &[f64]) -> Vec<bool> {
        let mut history = History::default();
        let fires = |value: &f64| criterion.compare(&mut history, direction, (*value).into()).fires;
        values.iter().map(fires).collect()
    }

    #[test]
    fn a_fixed_bound_fires_when_it_is_met() {
        let bound = Criterion::from(0.5);
        assert_eq!(fires(&bound, Direction::Higher, &[0.4, 0.5, 0.6]), [false, true, true]);
        assert_eq!(fires(&bound, Direction::Lower, &[0.4, 0.5, 0.6]), [true, true, false]);
    }

    #[test]
    fn a_quantile_must_be_passed() {
        let of = 2.try_into().unwrap_or(std::num::NonZeroUsize::MIN);
        let top = Criterion::Quantile(Quantile { quantile: 1.0, of });
        let values = [3.0, 3.0, 4.0, 3.5, 3.7, 3.8];
        let expected = [false, false, true, false, false, true];
        assert_eq!(fires(&top, Direction::Higher, &values), expected);
        let least = Criterion::Quantile(Quantile { quantile: 0.0, of });
        assert_eq!(fires(&least, Direction::Lower, &[3.0, 3.0, 2.0]), [false, false, true]);
    }

    #[test]
    fn an_average_below_zero_keeps_its_meaning() {
        let of = std::num::NonZeroUsize::MIN;
        let above = AboveAverage { above_average: 0.5, of, relative: true };
        let values = [-2.0, -1.5, -0.6, -0.5];
        // bounds: −2 + 1, −1.5 + 0.75, −0.6 + 0.3.
        let expected = [false, false, true, false];
        assert_eq!(fires(&Criterion::Above(above), Direction::Higher, &values), expected);
        let below = BelowAverage { below_average: 0.5, of, relative: false };
        let values = [1.0, 0.75, 0.25, 0.0];
        let expected = [false, false, true, false];
        assert_eq!(fires(&Criterion::Below(below), Direction::Lower, &values), expected);
    }
}
