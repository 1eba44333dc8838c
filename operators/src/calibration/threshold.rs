//! Thresholds from order statistics, with confidence ranges.

use super::binomial::{at_most, beta_quantile};
use super::{CalibrationError, Pareto, Rate};
use crate::criterion::Direction;

/// How sure a [`Range`] is.
pub(super) const CONFIDENCE: f64 = 0.95;

/// From where to where something is with 95 % confidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// The lower end; none where the values do not tell.
    pub low: Option<f64>,
    /// The upper end; none where the values do not tell.
    pub high: Option<f64>,
}

impl Range {
    /// Whether `value` lies within.
    pub fn contains(&self, value: f64) -> bool {
        self.low.is_none_or(|low| low <= value) && self.high.is_none_or(|high| value <= high)
    }
}

/// A threshold for a wanted rate, and how sure it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// The threshold: a number for [`Criterion::Value`](crate::criterion::Criterion::Value).
    pub threshold: f64,
    /// Where the threshold is that has exactly the wanted rate.
    pub range: Range,
    /// The rate that is expected at `threshold`; not above the wanted one.
    pub rate: f64,
    /// Where the rate at `threshold` is.
    pub rate_range: Range,
    /// Values given.
    pub values: usize,
    /// What it stands on.
    pub basis: Basis,
}

/// What a proposed threshold stands on.
#[derive(Clone, Debug, PartialEq)]
pub enum Basis {
    /// On the values themselves: this one, counted from the most extreme, which is 1.
    Observed(usize),
    /// On a tail that was fitted to the most extreme values and goes beyond all of them: take it with
    /// care.
    Extrapolated(Pareto),
}

/// The threshold just beyond the k-th most extreme of n values, k = ⌊rate · (n + 1)⌋.
///
/// ```text
/// E[rate] ≤ k / (n + 1)          a value to come has each of n + 1 places equally often
/// rate ~ Beta(k, n − k + 1)      where values are independent and no two are equal
/// ```
///
/// The range of the threshold is made of those order statistics between which the wanted quantile
/// is; its far end is unknown where even the most extreme value may not reach it.
///
/// # Errors
/// With fewer than 1/rate values (see [`extrapolated`](super::extrapolated)), or a value that is not
/// finite.
///
/// Reference: S. S. Wilks, *Determination of Sample Sizes for Setting Tolerance Limits*, The Annals of
/// Mathematical Statistics 12 (1941); H. A. David, H. N. Nagaraja, *Order Statistics* (2003), §7.1.
///
/// ```
/// use driftmill_operators::{calibration::*, criterion::Direction};
/// let scores: Vec<f64> = (1..=199).map(f64::from).collect();
/// let proposal = observed(&scores, Direction::Higher, Rate::new(0.01).unwrap()).unwrap();
/// // the second largest, and what is equal to it does not fire.
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
    // so many are beyond the wanted quantile with confidence: at least `few`, fewer than `many`.
    let few = (0..=n).find(|few| at_most(*few, n, wanted) > tail).unwrap_or(n);
    let many = (0..=n).find(|many| at_most(*many, n, wanted) >= 1.0 - tail).unwrap_or(n) + 1;
    let at = |place: usize| place.checked_sub(1).and_then(|place| sorted.get(place)).copied();
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

/// The threshold that does not fire at `extreme`, which is counted as if high values were.
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

/// Values as if high ones fired, the most extreme first.
pub(super) fn extremes(values: &[f64], direction: Direction) -> Result<Vec<f64>, CalibrationError> {
    if let Some(value) = values.iter().find(|value| !value.is_finite()) {
        return Err(CalibrationError::Value(*value));
    }
    let mut sorted: Vec<f64> = values.iter().map(|value| sign(direction) * value).collect();
    sorted.sort_unstable_by(|a, b| b.total_cmp(a));
    Ok(sorted)
}
