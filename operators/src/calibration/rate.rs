//! The wanted rate of false alarms.

use std::num::{NonZeroU64, NonZeroUsize};

use crate::trigger::Aggregate;

/// The wanted share of false alarms among comparisons or values: above 0 and below 1.
///
/// If v of m metrics must agree, the rate of each metric is:
///
/// ```text
/// each = rate · v / m          any: rate / m (Bonferroni), all: rate
/// ```
///
/// Without drift, rate · v metrics then fire on average. By Markov's inequality, v or more of them fire
/// at most at the wanted rate, whatever the dependence between the metrics.
///
/// Reference: C. E. Bonferroni, *Teoria statistica delle classi e calcolo delle probabilità* (1936);
/// for v of m: L. Rüger, *Das maximale Signifikanzniveau des Tests „Lehne H₀ ab, wenn k unter n
/// gegebenen Tests zur Ablehnung führen“*, Metrika 25 (1978).
///
/// ```
/// use driftmill_operators::{calibration::Rate, trigger::Aggregate};
/// let rate = Rate::once_in(100.try_into().unwrap());
/// assert_eq!(rate.shared(4.try_into().unwrap(), Aggregate::Any).get(), 0.0025);
/// assert_eq!(rate.shared(4.try_into().unwrap(), Aggregate::All).get(), 0.01);
/// assert!(Rate::new(0.0).is_none());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Rate(f64);

impl Rate {
    /// Creates a rate; none if `share` is not between 0 and 1.
    pub fn new(share: f64) -> Option<Self> {
        (share > 0.0 && share < 1.0).then_some(Self(share))
    }

    /// The rate of one in `many`, at most one in two.
    pub fn once_in(many: NonZeroU64) -> Self {
        Self(1.0 / many.get().max(2) as f64)
    }

    /// The rate as a share.
    pub fn get(self) -> f64 {
        self.0
    }

    /// The rate of each of several metrics that are combined by `aggregate`.
    pub fn shared(self, metrics: NonZeroUsize, aggregate: Aggregate) -> Self {
        let metrics = metrics.get();
        let votes = (1..=metrics).find(|votes| aggregate.holds(*votes, metrics));
        // if more votes than metrics are required, the aggregate never fires and needs no share.
        Self(self.0 * votes.unwrap_or(metrics) as f64 / metrics as f64)
    }

    /// Minimum number of values from which the rate can be estimated.
    pub(super) fn needs(self) -> usize {
        (1.0 / self.0 - 1e-9).ceil() as usize
    }
}
