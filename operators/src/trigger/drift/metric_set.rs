//! The drift metrics of one trigger.

use crate::Matrix;
use crate::criterion::{Criterion, Direction, History};
use crate::drift::metric::{Metric, MetricTable, measure};
use crate::trigger::{Reason, Score};

/// A metric with its criterion.
struct SetMember {
    key: &'static str,
    metric: Box<dyn Metric>,
    criterion: Criterion,
    history: History,
}

/// The metrics of a drift trigger.
pub(super) struct MetricSet(Vec<SetMember>);

impl MetricSet {
    pub(super) fn new(table: &MetricTable) -> Self {
        let named = table.named().into_iter();
        let member =
            |(key, config): (&'static str, &dyn crate::drift::metric::MetricConfig)| SetMember {
                key,
                metric: config.init(),
                criterion: config.threshold().clone(),
                history: History::default(),
            };
        Self(named.map(member).collect())
    }

    /// The largest number of earlier distances that one of the metrics uses.
    pub(super) fn remember(&self) -> usize {
        self.0.iter().filter_map(|member| member.criterion.remembers()).max().unwrap_or(0)
    }

    /// Measures the distances and compares them with the thresholds.
    pub(super) fn compare(&mut self, reference: &Matrix, current: &Matrix) -> Vec<Score> {
        let member = |member: &mut SetMember| {
            let measured = measure(&mut *member.metric, &member.criterion, reference, current);
            let history = &mut member.history;
            let compared = member.criterion.compare(history, Direction::Higher, measured);
            Score {
                metric: member.key.to_owned(),
                value: measured.value,
                threshold: compared.threshold,
                p_value: measured.p_value,
                fires: compared.fires,
            }
        };
        self.0.iter_mut().map(member).collect()
    }

    /// Measures the distances that histories need, without comparing them.
    pub(super) fn learn(&mut self, reference: &Matrix, current: &Matrix) -> Vec<Score> {
        let remember = self.0.iter_mut().filter(|member| member.criterion.remembers().is_some());
        let learn = |member: &mut SetMember| {
            let value = member.metric.distance(reference, current);
            member.criterion.record(&mut member.history, value);
            let metric = member.key.to_owned();
            Score { metric, value, threshold: None, p_value: None, fires: false }
        };
        remember.map(learn).collect()
    }

    /// The reason for a drift: the metric that is farthest beyond its threshold.
    pub(super) fn reason(&self, scores: &[Score]) -> Option<Reason> {
        let compared = |score: &Score| score.p_value.unwrap_or(score.value);
        let beyond =
            |score: &Score| (compared(score) - score.threshold.unwrap_or(f64::INFINITY)).abs();
        let fired = self.0.iter().zip(scores).filter(|(_, score)| score.fires);
        let (member, worst) = fired.max_by(|(_, a), (_, b)| beyond(a).total_cmp(&beyond(b)))?;
        let (value, sign) = (compared(worst), member.criterion.sign(Direction::Higher));
        let p = if worst.p_value.is_some() { " p" } else { "" };
        let threshold = worst.threshold?;
        let text = match member.criterion.remembers() {
            Some(_) => format!("{} {value:.4} {sign} {threshold:.4}", worst.metric),
            None => format!("{}{p} {value:.4} {sign} {threshold}", worst.metric),
        };
        let policy = "drift".to_owned();
        Some(Reason { policy, text, score: Some(value), threshold: Some(threshold) })
    }

    /// The earlier measurements, for a snapshot.
    pub(super) fn histories(&self) -> Vec<History> {
        self.0.iter().map(|member| member.history.clone()).collect()
    }

    /// Restores the earlier measurements.
    pub(super) fn restore(&mut self, histories: Vec<History>) {
        self.0.iter_mut().zip(histories).for_each(|(member, history)| member.history = history);
    }
}
