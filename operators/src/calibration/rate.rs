//! The wanted rate of false alarms.

use std::num::{NonZeroU64, NonZeroUsize};

use crate::trigger::Aggregate;

/// The wanted share of false alarms among comparisons, or among values: above 0, below 1.
///
/// Of m metrics of which v must agree, each may have so much:
///
/// ```text
/// each = rate · v / m          any: rate / m (Bonferroni), all: rate
/// ```
///
/// The metrics that fire are then rate · v on average where nothing drifts, so v or more of them fire
/// at most as often as wanted (Markov's inequality), however they depend on one another.
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
    /// A share; none if it is not between 0 and 1.
    pub fn new(share: f64) -> Option<Self> {
        (share > 0.0 && share < 1.0).then_some(Self(share))
    }

    /// One in so many on average; one in two where one in one is asked for.
    pub fn once_in(many: NonZeroU64) -> Self {
        Self(1.0 / many.get().max(2) as f64)
    }

    /// The share.
    pub fn get(self) -> f64 {
        self.0
    }

    /// What each of several metrics may have of it.
    pub fn shared(self, metrics: NonZeroUsize, aggregate: Aggregate) -> Self {
        let metrics = metrics.get();
        let votes = (1..=metrics).find(|votes| aggregate.holds(*votes, metrics));
        // more votes than metrics are never reached: nothing has to be shared.
        Self(self.0 * votes.unwrap_or(metrics) as f64 / metrics as f64)
    }

    /// Fewest values that show it.
    pub(super) fn needs(self) -> usize {
        (1.0 / self.0 - 1e-9).ceil() as usize
    }
}
