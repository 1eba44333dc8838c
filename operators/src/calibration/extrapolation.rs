//! Thresholds extrapolated from a tail.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use super::threshold::{CONFIDENCE, beyond, extremes, range, sign};
use super::{Basis, CalibrationError, Pareto, Proposal, Range, Rate};
use crate::criterion::Direction;

/// Minimum number of values to which a tail is fitted.
const LEAST: usize = 10;
/// Minimum number of values: the tail is at most a quarter of them.
const NEEDED: usize = 4 * LEAST;
/// Number of tails that are resampled for the confidence range.
const DRAWN: usize = 400;
/// A threshold beyond the given values, by the peaks-over-threshold method.
///
/// The m = max(10, n/10) most extreme of n values exceed the next one, u. A [`Pareto`] tail is fitted
/// to the excesses:
///
/// ```text
/// threshold = u + x,  P(X > x) = rate · n / m
/// ```
///
/// The threshold is beyond all given values. It is an extrapolation: [`observed`](super::observed)
/// with 1/rate values is better. The range of the threshold is that of 400 tails, each fitted to m
/// random values of the first tail (by `seed`). The range of the rate is unknown.
///
/// # Errors
/// [`CalibrationError`] with fewer than 40 values, a value that is not finite, or extreme values that
/// are all equal.
///
/// Reference: J. Pickands, *Statistical Inference Using Extreme Order Statistics*, The Annals of
/// Statistics 3 (1975).
///
/// ```
/// use driftmill_operators::{calibration::*, criterion::Direction};
/// let scores: Vec<f64> = (0..200).map(|i| -(1.0 - (i as f64 + 0.5) / 200.0).ln()).collect();
/// let rate = Rate::new(0.001).unwrap();
/// let proposal = extrapolated(&scores, Direction::Higher, rate, 0).unwrap();
/// assert!((proposal.threshold - 1000f64.ln()).abs() < 0.7);
/// assert!(proposal.range.contains(1000f64.ln()));
/// ```
pub fn extrapolated(
    values: &[f64],
    direction: Direction,
    rate: Rate,
    seed: u64,
) -> Result<Proposal, CalibrationError> {
    let sorted = extremes(values, direction)?;
    let n = sorted.len();
    if n < NEEDED {
        return Err(CalibrationError::TooFew { values: n, needed: NEEDED });
    }
    let m = LEAST.max(n / 10);
    let high = sorted[m];
    let excesses: Vec<f64> = sorted[..m].iter().map(|value| value - high).collect();
    let tail = Pareto::fit(&excesses).ok_or(CalibrationError::Constant)?;
    // if the rate is larger than the tail's share, the threshold is the tail's lower end.
    let chance = (rate.get() * n as f64 / m as f64).min(1.0);
    let at = |tail: &Pareto| high + tail.exceeded_with(chance);
    let mut random = Pcg64::seed_from_u64(seed);
    let mut others: Vec<f64> = (0..DRAWN)
        .filter_map(|_| {
            let mut draw = |_| tail.exceeded_with(1.0 - random.random::<f64>());
            Pareto::fit(&(0..m).map(&mut draw).collect::<Vec<_>>()).map(|other| at(&other))
        })
        .collect();
    others.sort_unstable_by(f64::total_cmp);
    let end = |share: f64| others.get((share * (others.len() - 1) as f64) as usize).copied();
    let share = (1.0 - CONFIDENCE) / 2.0;
    Ok(Proposal {
        threshold: beyond(at(&tail).max(sorted[0]), direction),
        range: range(end(share), end(1.0 - share), sign(direction)),
        rate: rate.get(),
        rate_range: Range { low: None, high: None },
        values: n,
        basis: Basis::Extrapolated(tail),
    })
}
