//! The trigger on the performance of the newest model.

pub mod measure;

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use self::measure::{Answered, Measure, MeasureTable};
use super::intervals::{Due, Intervals, warmup_training};
use super::labelled::{Counted, LabelledIntervals, Sample, bounds};
use super::{
    Aggregate, Firing, Measurement, Outcome, Question, Reason, Score, Stable, Step, Trigger,
    TriggerConfig, TriggerTable, Want,
};
use crate::{Change, Id, Matrix, Snapshot, SnapshotError};

const POLICY: &str = "performance";

pub(super) const EXAMPLE: &str = "every = 250
metrics.accuracy = { threshold = 0.8 }";

/// Trains when the newest model's predictions for the newest samples are bad.
///
/// After every `every` labelled samples, the newest model predicts these samples before it is trained on
/// them (prequentially). Each metric compares its value with its threshold: a number, or a bound that
/// follows the last intervals. One metric that fires is enough.
///
/// A sample enters when its label becomes known, which may be later than its own position, and never
/// without a label. Until its interval is complete, a corrected label is corrected there, and a sample
/// leaves if it is retracted or loses its label. Completed measurements do not change. A label that arrives
/// again after its retraction is a new label.
///
/// In the warm-up nothing fires: `warmup_trigger` decides. Without a warm-up trigger, the end of the
/// warm-up trains the first model. Intervals of the warm-up that do not lead to a training are measured if
/// there is a model. These values begin the histories of bounds that have one. Trainings do not reset
/// histories.
///
/// Reference: A. P. Dawid, *Statistical Theory: The Prequential Approach*, Journal of the Royal
/// Statistical Society A 147 (1984); M. Böther et al., *Modyn: Data-Centric Machine Learning
/// Pipeline Orchestration*, SIGMOD (2025).
///
/// ```
/// use driftmill_operators::{Change, Id, Matrix, Position, Record, trigger::*};
/// let config: Performance =
///     toml::from_str("every = 10\nmetrics.accuracy = { threshold = 0.75 }").unwrap();
/// let mut trigger = config.init();
/// let mut decided = Vec::new();
/// for i in 0..100 {
///     let label = Some(u32::from(i >= 65));
///     let record = Record::new(Position::new(0, Id(i)), 0, 0, label);
///     let mut step = trigger.observe(&Change::insert(record));
///     if let Step::Ask(question) = &step {
///         // the model always predicts class 0.
///         step = trigger.answer(&Matrix::new(2, [0.75, 0.25].repeat(question.ids.len())));
///     }
///     if let Step::Fire(decision) = step {
///         decided.push((i, decision.reason.text));
///         trigger.trained(&Outcome::trained(0, 1, Position::MIN));
///     }
/// }
/// let texts = ["warm-up", "accuracy 0.5000 ≤ 0.75", "accuracy 0.0000 ≤ 0.75"];
/// assert_eq!(decided[..3].iter().map(|(at, _)| *at).collect::<Vec<_>>(), [9, 69, 79]);
/// assert!(decided.iter().zip(texts).all(|((_, found), text)| found == text));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Performance {
    /// Number of labelled samples between two measurements.
    pub every: NonZeroUsize,
    /// Number of labelled samples before the first measurement (default 0: the first `every` train the
    /// first model).
    #[serde(default)]
    pub warmup: u64,
    /// The trigger that decides in the warm-up, evaluated after every `every` samples: `amount` or `time`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warmup_trigger: Option<Box<TriggerTable>>,
    /// The metrics and their thresholds.
    pub metrics: MeasureTable,
}

impl Performance {
    fn start(&self) -> PerformanceTrigger {
        let warmup = self.warmup_trigger.as_deref();
        let named = self.metrics.named();
        PerformanceTrigger {
            config: self.clone(),
            intervals: LabelledIntervals::new(Counted::Labelled, self.every, self.warmup, warmup),
            measures: named.iter().map(|(_, config)| config.init(self.every)).collect(),
            state: State::default(),
        }
    }
}

impl TriggerConfig for Performance {
    fn init(&self) -> Box<dyn Trigger> {
        Box::new(self.start())
    }

    fn check(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::from_iter(Intervals::check(self.warmup_trigger.as_deref()));
        problems.extend(self.metrics.check().into_iter().map(|problem| ("metrics", problem)));
        problems
    }

    fn stable(&self) -> Stable<'_> {
        let named = self.metrics.named().into_iter();
        Stable::Thresholds {
            metrics: named.filter_map(|(key, table)| Some((key, table.criterion()?.1))).collect(),
            aggregate: Aggregate::Any,
            every: self.every.get(),
        }
    }
}

struct PerformanceTrigger {
    config: Performance,
    intervals: LabelledIntervals,
    measures: Vec<Box<dyn Measure>>,
    state: State,
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct State {
    /// The samples of the open question.
    asked: Vec<Sample>,
    /// Whether the answer only begins histories.
    warming: bool,
    has_model: bool,
}

impl Snapshot for PerformanceTrigger {
    fn save(&self) -> Vec<u8> {
        let measures: Vec<Vec<u8>> = self.measures.iter().map(|measure| measure.save()).collect();
        (self.intervals.save(), measures, self.state.clone()).save()
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), SnapshotError> {
        let (intervals, measures, state): (Vec<u8>, Vec<Vec<u8>>, _) = crate::restore(saved)?;
        let mut loaded = self.config.start();
        loaded.intervals.load(&intervals)?;
        for (measure, saved) in loaded.measures.iter_mut().zip(&measures) {
            measure.load(saved)?;
        }
        *self = PerformanceTrigger { state, ..loaded };
        Ok(())
    }
}

impl Trigger for PerformanceTrigger {
    fn observe(&mut self, change: &Change) -> Step {
        let Some((samples, due)) = self.intervals.observe(change) else { return Step::Continue };
        match due {
            Due::Train => warmup_training(POLICY),
            Due::Nothing if !self.state.has_model => Step::Continue,
            Due::Nothing | Due::Evaluate => {
                let ids = samples.iter().map(|sample| sample.id).collect();
                self.state.asked = samples;
                self.state.warming = due == Due::Nothing;
                Step::Ask(Question { want: Want::Predictions, ids })
            }
        }
    }

    fn answer(&mut self, answer: &Matrix) -> Step {
        let (asked, warming) = (std::mem::take(&mut self.state.asked), self.state.warming);
        let answered = Answered::new(&asked, answer);
        let named = self.config.metrics.named();
        let mut scores = Vec::new();
        for ((key, _), measure) in named.iter().zip(&mut self.measures) {
            let mut score = Score { metric: (*key).to_owned(), ..measure.score(&answered) };
            score.fires &= !warming;
            scores.push(score);
        }
        let found = scores.iter().position(|score| score.fires);
        let reason = found.map(|at| {
            let Score { metric, value, threshold, .. } = &scores[at];
            let sign = named[at].1.sign();
            let rounded = |bound: f64| (bound * 1e4).round() / 1e4;
            let bound = threshold.map(|bound| format!(" {sign} {}", rounded(bound)));
            let bound = bound.unwrap_or_default();
            let text = format!("{metric} {value:.4}{bound}");
            Reason { policy: POLICY.to_owned(), text, score: Some(*value), threshold: *threshold }
        });
        let measurement =
            Measurement { scores, windows: vec![bounds(&asked)], ..Measurement::of(POLICY) };
        match reason {
            Some(reason) => Step::Fire(Firing::measured(reason, measurement)),
            None => Step::Measured(measurement),
        }
    }

    fn trained(&mut self, outcome: &Outcome) {
        self.intervals.trained(outcome);
        if outcome.version.is_some() {
            self.state.has_model = true;
            self.measures.iter_mut().for_each(|measure| measure.trained());
        }
    }

    fn retained_samples(&self, visit: &mut dyn FnMut(Id)) {
        self.intervals.retained_samples(visit);
        self.state.asked.iter().for_each(|sample| visit(sample.id));
    }
}
