//! Thresholds and parameters for a wanted rate of false alarms, from the scores of a policy on a part
//! of the stream that is declared stable.
//!
//! * [`observed`]: a threshold for scores, as an order statistic. It assumes only that later scores
//!   have the same distribution.
//! * [`extrapolated`]: a threshold for a rate that is too small for the number of scores, from a tail
//!   fitted to the largest scores.
//! * [`Search`]: the main parameter of a sequential detector.
//!
//! Ranges assume independent scores. Comparisons with overlapping windows are not independent: their
//! true ranges are wider than the ones given here.

mod binomial;
mod bootstrap;
mod error;
mod extrapolation;
mod pareto;
mod rate;
mod search;
mod threshold;

pub use error::CalibrationError;
pub use extrapolation::extrapolated;
pub use pareto::Pareto;
pub use rate::Rate;
pub use search::{Search, Tuned};
pub use threshold::{Basis, Proposal, Range, observed};
