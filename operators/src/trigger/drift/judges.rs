use crate::Matrix;
use crate::criterion::{Criterion, Direction, History};
use crate::drift::metric::{Metric, MetricTable, measure};
use crate::trigger::{Reason, Score};

/// A metric with what its distances are compared with.
struct Judge {
    key: &'static str,
    metric: Box<dyn Metric>,
    criterion: Criterion,
    history: History,
}

/// The metrics of a drift trigger.
pub(super) struct Judges(Vec<Judge>);

impl Judges {
    pub(super) fn new(table: &MetricTable) -> Self {
        let named = table.named().into_iter();
        let judge =
            |(key, config): (&'static str, &dyn crate::drift::metric::MetricConfig)| Judge {
                key,
                metric: config.init(),
                criterion: config.threshold().clone(),
                history: History::default(),
            };
        Self(named.map(judge).collect())
    }

    /// How many of the last distances any of them remembers.
    pub(super) fn remember(&self) -> usize {
        self.0.iter().filter_map(|judge| judge.criterion.remembers()).max().unwrap_or(0)
    }

    /// Measures and judges.
    pub(super) fn judge(&mut self, reference: &Matrix, current: &Matrix) -> Vec<Score> {
        let judge = |judge: &mut Judge| {
            let measured = measure(&mut *judge.metric, &judge.criterion, reference, current);
            let history = &mut judge.history;
            let judged = judge.criterion.judge(history, Direction::Higher, measured);
            Score {
                metric: judge.key.to_owned(),
                value: measured.value,
                threshold: judged.threshold,
                p_value: measured.p_value,
                fires: judged.fires,
            }
        };
        self.0.iter_mut().map(judge).collect()
    }

    /// Measures, for those that remember distances, without judging.
    pub(super) fn learn(&mut self, reference: &Matrix, current: &Matrix) -> Vec<Score> {
        let remember = self.0.iter_mut().filter(|judge| judge.criterion.remembers().is_some());
        let learn = |judge: &mut Judge| {
            let value = judge.metric.distance(reference, current);
            judge.criterion.learn(&mut judge.history, value);
            let metric = judge.key.to_owned();
            Score { metric, value, threshold: None, p_value: None, fires: false }
        };
        remember.map(learn).collect()
    }

    /// Why there is drift: the metric that is farthest beyond its threshold.
    pub(super) fn reason(&self, scores: &[Score]) -> Option<Reason> {
        let compared = |score: &Score| score.p_value.unwrap_or(score.value);
        let beyond =
            |score: &Score| (compared(score) - score.threshold.unwrap_or(f64::INFINITY)).abs();
        let fired = self.0.iter().zip(scores).filter(|(_, score)| score.fires);
        let (judge, worst) = fired.max_by(|(_, a), (_, b)| beyond(a).total_cmp(&beyond(b)))?;
        let (value, sign) = (compared(worst), judge.criterion.sign(Direction::Higher));
        let p = if worst.p_value.is_some() { " p" } else { "" };
        let threshold = worst.threshold?;
        let text = match judge.criterion.remembers() {
            Some(_) => format!("{} {value:.4} {sign} {threshold:.4}", worst.metric),
            None => format!("{}{p} {value:.4} {sign} {threshold}", worst.metric),
        };
        let policy = "drift".to_owned();
        Some(Reason { policy, text, score: Some(value), threshold: Some(threshold) })
    }

    /// What was measured before, for a snapshot.
    pub(super) fn histories(&self) -> Vec<History> {
        self.0.iter().map(|judge| judge.history.clone()).collect()
    }

    /// Goes back to what was measured before.
    pub(super) fn restore(&mut self, histories: Vec<History>) {
        self.0.iter_mut().zip(histories).for_each(|(judge, history)| judge.history = history);
    }
}
