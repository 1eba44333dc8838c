//! Thresholds and parameters for a wanted rate of false alarms, from what a policy measured on a
//! stretch that is declared stable.
//!
//! * [`observed`]: a threshold for scores, as an order statistic; nothing is assumed but that the
//!   scores to come are like those given.
//! * [`extrapolated`]: a threshold for a rate that so few scores cannot show, from a tail fitted to
//!   the largest of them.
//! * [`Search`]: the main parameter of a sequential detector.
//!
//! Scores are taken for independent where a range is told. Comparisons whose windows overlap are not:
//! their ranges are wider than those told here.

mod binomial;
mod bootstrap;
mod error;
mod pareto;
mod rate;
mod search;
mod threshold;

pub use error::CalibrationError;
pub use pareto::{Pareto, extrapolated};
pub use rate::Rate;
pub use search::{Search, Tuned};
pub use threshold::{Basis, Proposal, Range, observed};
