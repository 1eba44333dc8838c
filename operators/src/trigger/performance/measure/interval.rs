//! Measures that are computed of each interval by itself.

use std::num::NonZeroUsize;

use super::{Answered, Measure, MeasureConfig};
use crate::criterion::{Criterion, Direction, History};
use crate::trigger::Score;
use crate::{Snapshot, SnapshotError};

/// The configuration of a number measured of each interval by itself, compared by a criterion.
pub(super) trait IntervalMeasure: Clone + Send + Sync + 'static {
    /// The direction of bad values.
    const DIRECTION: Direction = Direction::Lower;

    /// The criterion for bad values.
    fn threshold(&self) -> &Criterion;

    /// The value of an interval.
    fn value(&self, interval: &Answered<'_>) -> f64;

    /// Problems of the threshold that its types cannot detect.
    fn check_threshold(&self) -> Vec<String> {
        self.threshold().check(Self::DIRECTION)
    }
}

impl<M: IntervalMeasure> MeasureConfig for M {
    fn init(&self, _every: NonZeroUsize) -> Box<dyn Measure> {
        Box::new(Compared { measure: self.clone(), history: History::default() })
    }

    fn criterion(&self) -> Option<(&Criterion, Direction)> {
        Some((self.threshold(), M::DIRECTION))
    }

    fn check(&self) -> Vec<String> {
        self.check_threshold()
    }
}

struct Compared<M> {
    measure: M,
    history: History,
}

impl<M> Snapshot for Compared<M> {
    fn save(&self) -> Vec<u8> {
        self.history.save()
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), SnapshotError> {
        self.history.load(saved)
    }
}

impl<M: IntervalMeasure> Measure for Compared<M> {
    fn score(&mut self, interval: &Answered<'_>) -> Score {
        let value = self.measure.value(interval);
        let criterion = self.measure.threshold();
        let compared = criterion.compare(&mut self.history, M::DIRECTION, value.into());
        let (metric, threshold, fires) = (String::new(), compared.threshold, compared.fires);
        Score { metric, value, threshold, p_value: None, fires }
    }
}
