//! Confidence intervals of a share.

use super::{Answered, Measure};
use crate::criterion::{Criterion, Direction, History};
use crate::trigger::Score;
use crate::{Snapshot, SnapshotError};

/// A number measured of each interval by itself, compared by a criterion.
pub(super) struct IntervalMeasure<M> {
    measure: M,
    criterion: Criterion,
    direction: Direction,
    history: History,
}

impl<M: Fn(&Answered<'_>) -> f64 + Send> IntervalMeasure<M> {
    pub(super) fn new(criterion: &Criterion, direction: Direction, measure: M) -> Self {
        Self { measure, criterion: criterion.clone(), direction, history: History::default() }
    }
}

impl<M> Snapshot for IntervalMeasure<M> {
    fn save(&self) -> Vec<u8> {
        self.history.save()
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), SnapshotError> {
        self.history.load(saved)
    }
}

impl<M: Fn(&Answered<'_>) -> f64 + Send> Measure for IntervalMeasure<M> {
    fn score(&mut self, interval: &Answered<'_>) -> Score {
        let value = (self.measure)(interval);
        let compared = self.criterion.compare(&mut self.history, self.direction, value.into());
        let (metric, threshold, fires) = (String::new(), compared.threshold, compared.fires);
        Score { metric, value, threshold, p_value: None, fires }
    }
}
