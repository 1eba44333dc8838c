//! Thresholds from order statistics, with confidence ranges.

use super::binomial::{at_most, beta_quantile};
use super::{CalibrationError, Pareto, Rate};
use crate::criterion::Direction;

/// The confidence level of a [`Range`].
pub(super) const CONFIDENCE: f64 = 0.95;

/// A confidence range (95 %).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// The lower end; none if it is unknown.
    pub low: Option<f64>,
    /// The upper end; none if it is unknown.
    pub high: Option<f64>,
}

impl Range {
    /// Whether the range contains `value`.
    pub fn contains(&self, value: f64) -> bool {
        self.low.is_none_or(|low| low <= value) && self.high.is_none_or(|high| value <= high)
    }
}

/// A threshold for a wanted rate, with confidence ranges.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// The threshold: a number for [`Criterion::Value`](crate::criterion::Criterion::Value).
    pub threshold: f64,
    /// The range of the threshold that has exactly the wanted rate.
    pub range: Range,
    /// The expected rate at `threshold`, at most the wanted one.
    pub rate: f64,
    /// The range of the rate at `threshold`.
    pub rate_range: Range,
    /// Number of given values.
    pub values: usize,
    /// The basis of the proposal.
    pub basis: Basis,
}

/// The basis of a proposed threshold.
#[derive(Clone, Debug, PartialEq)]
pub enum Basis {
    /// The given values: the rank of the value at the threshold, where the most extreme value has rank 1.
    Observed(usize),
    /// A tail that was fitted to the most extreme values. The threshold is beyond all values and less
    /// reliable.
    Extrapolated(Pareto),
}

/// The threshold just beyond the k-th most extreme of n values, k = ⌊rate · (n + 1)⌋.
///
/// ```text
/// E[rate] ≤ k / (n + 1)          the next value has each of n + 1 ranks with equal probability
/// rate ~ Beta(k, n − k + 1)      for independent values without ties
/// ```
///
/// The ends of the threshold's range are the order statistics around the wanted quantile. The far end
/// is unknown if even the most extreme value may not reach the quantile.
///
/// # Errors
/// [`CalibrationError`] with fewer than 1/rate values (see [`extrapolated`](super::extrapolated)) or
/// with a value that is not finite.
///
/// Reference: S. S. Wilks, *Determination of Sample Sizes for Setting Tolerance Limits*, The Annals of
/// Mathematical Statistics 12 (1941); H. A. David, H. N. Nagaraja, *Order Statistics* (2003), §7.1.
///
/// ```
/// use driftmill_operators::{calibration::*, criterion::Direction};
/// let scores: Vec<f64> = (1..=199).map(f64::from).collect();
/// let proposal = observed(&scores, Direction::Higher, Rate::new(0.01).unwrap()).unwrap();
/// // just above the second largest value, which does not fire.
/// assert_eq!((proposal.threshold, proposal.rate), (198.0f64.next_up(), 0.01));
/// let error = observed(&scores[..50], Direction::Higher, Rate::new(0.01).unwrap()).unwrap_err();
/// assert_eq!(error.to_string(), "50 values are too few for the wanted rate: it takes 100");
/// ```
pub fn observed(
    values: &[f64],
    direction: Direction,
    rate: Rate,
) -> Result<Proposal, CalibrationError> {
    let sorted = extremes(values, direction)?;
    let (n, needed) = (sorted.len(), rate.needs());
    if n < needed {
        return Err(CalibrationError::TooFew { values: n, needed });
    }
    let sign = sign(direction);
    let wanted = rate.get();
    let k = ((wanted * (n + 1) as f64 + 1e-9) as usize).clamp(1, n);
    let tail = (1.0 - CONFIDENCE) / 2.0;
    // the number of values beyond the wanted quantile is at least `few` and below `many`.
    let few = (0..=n).find(|few| at_most(*few, n, wanted) > tail).unwrap_or(n);
    let many = (0..=n).find(|many| at_most(*many, n, wanted) >= 1.0 - tail).unwrap_or(n) + 1;
    let at = |rank: usize| rank.checked_sub(1).and_then(|index| sorted.get(index)).copied();
    let rates = [tail, 1.0 - tail].map(|share| Some(beta_quantile(share, k, n)));
    Ok(Proposal {
        threshold: beyond(sorted[k - 1], direction),
        range: range(at(many), at(few).map(f64::next_up), sign),
        rate: k as f64 / (n + 1) as f64,
        rate_range: Range { low: rates[0], high: rates[1] },
        values: n,
        basis: Basis::Observed(k),
    })
}

/// The threshold just beyond `extreme`, which is given with the sign of [`extremes`].
pub(super) fn beyond(extreme: f64, direction: Direction) -> f64 {
    sign(direction) * extreme.next_up()
}

pub(super) fn range(low: Option<f64>, high: Option<f64>, sign: f64) -> Range {
    let [low, high] = [low, high].map(|end| end.map(|end| sign * end));
    if sign > 0.0 { Range { low, high } } else { Range { low: high, high: low } }
}

pub(super) fn sign(direction: Direction) -> f64 {
    match direction {
        Direction::Higher => 1.0,
        Direction::Lower => -1.0,
    }
}

/// The values in descending order, negated if low values fire.
pub(super) fn extremes(values: &[f64], direction: Direction) -> Result<Vec<f64>, CalibrationError> {
    if let Some(value) = values.iter().find(|value| !value.is_finite()) {
        return Err(CalibrationError::Value(*value));
    }
    let mut sorted: Vec<f64> = values.iter().map(|value| sign(direction) * value).collect();
    sorted.sort_unstable_by(|a, b| b.total_cmp(a));
    Ok(sorted)
}
