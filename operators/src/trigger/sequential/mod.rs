//! The trigger on a sequential drift detector.

mod watched;

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::intervals::{Due, Intervals, warmup_training};
use super::labelled::{LabelledIntervals, Sample, bounds};
use super::{
    Firing, Measurement, Outcome, Question, Reason, Score, Stable, Step, Trigger, TriggerConfig,
    TriggerTable,
};
use crate::drift::detector::{Detector, DetectorTable, Domain, Evidence, Signal};
use crate::{Change, Id, Matrix, Snapshot, SnapshotError};

pub use watched::Watched;

pub(super) const EXAMPLE: &str = "on = \"confidence\"
detector.page_hinkley = { threshold = 20 }";

/// Trains when a detector finds a change in a value of each sample.
///
/// The value is computed by the newest model from the sample (its error, loss, margin or confidence), or it
/// is one of its features. A detector processes the values one after another, in order. Values are
/// requested for `every` samples at once, so that the decision is at the end of the interval in which the
/// detector fires. The reason names the sample at which it fired. Without a model, and during the first
/// `warmup` samples in any case, nothing is evaluated: `warmup_trigger` decides. Without a warm-up trigger,
/// the end of the warm-up trains the first model.
///
/// If the value depends on labels (`error`, `loss`), a sample enters when its label becomes known, which
/// may be later than its own position, and never without a label. Until its interval is complete, a
/// corrected label is corrected there, and a sample leaves if it is retracted or loses its label. The
/// values that the detector has processed do not change. A label that arrives again after its retraction is
/// a new label.
///
/// The error is 1 if the predicted class (the first of the most probable classes) is not the label. The
/// loss is −ln p of the label's class, with p at least 2⁻²³. The margin is the difference of the two
/// largest probabilities. The confidence is the largest probability. Features that are not finite, or that
/// no sample has, are skipped.
///
/// ```
/// use driftmill_operators::{Change, Id, Matrix, Position, Record, trigger::*};
/// let table = "on = { feature = 0 }\nevery = 100\ndetector.cusum = {}";
/// let config: Sequential = toml::from_str(table).unwrap();
/// let mut trigger = config.init();
/// let mut decided = Vec::new();
/// for i in 0..1000 {
///     let record = Record::new(Position::new(0, Id(i)), 0, 0, None);
///     let mut step = trigger.observe(&Change::insert(record));
///     if let Step::Ask(question) = &step {
///         // the feature alternates between 0 and 1, and between 1 and 2 from sample 640 on.
///         let feature = |id: &Id| (id.0 % 2 + u64::from(id.0 >= 640)) as f32;
///         step = trigger.answer(&Matrix::new(1, question.ids.iter().map(feature).collect()));
///     }
///     if let Step::Fire(decision) = step {
///         decided.push((i, decision.reason.text));
///         trigger.trained(&Outcome::trained(0, 1, Position::MIN));
///     }
/// }
/// let fired = "cusum 12.4148 beyond 10.0000 at sample 0/0/647, 48 of 100";
/// assert_eq!(decided, [(99, "warm-up".to_owned()), (699, fired.to_owned())]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Sequential {
    /// The watched value of a sample: `"error"`, `"loss"`, `"margin"`, `"confidence"` or `{ feature = 3 }`,
    /// counted from 0.
    pub on: Watched,
    /// Number of samples whose values are requested at once (default 100).
    #[serde(default = "crate::defaults::count::<100>")]
    pub every: NonZeroUsize,
    /// Number of samples before the first measurement (default 0: the first `every` train the first model).
    #[serde(default)]
    pub warmup: u64,
    /// The trigger that decides in the warm-up, evaluated after every `every` samples: `amount` or `time`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warmup_trigger: Option<Box<TriggerTable>>,
    /// The detector that finds changes.
    pub detector: DetectorTable,
    /// Whether the detector restarts after every training (default yes, because a new model has other
    /// values). It always restarts after a change that it found.
    #[serde(default = "yes")]
    pub restart: bool,
}

fn yes() -> bool {
    true
}

impl Sequential {
    fn start(&self) -> SequentialTrigger {
        let warmup = self.warmup_trigger.as_deref();
        SequentialTrigger {
            config: self.clone(),
            intervals: LabelledIntervals::new(self.on.counted(), self.every, self.warmup, warmup),
            detector: self.detector.init(),
            asked: Vec::new(),
            only_values: false,
        }
    }
}

impl TriggerConfig for Sequential {
    fn init(&self) -> Box<dyn Trigger> {
        Box::new(self.start())
    }

    fn check(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::from_iter(Intervals::check(self.warmup_trigger.as_deref()));
        let key = self.detector.key();
        let own = self.detector.check().into_iter();
        problems.extend(own.map(|problem| ("detector", format!("{key}: {problem}"))));
        let wanted = match self.detector.domain() {
            Domain::Binary => "errors: wanted on = \"error\"",
            Domain::Unit => "values from 0 to 1: wanted \"error\", \"margin\" or \"confidence\"",
            Domain::Real => "numbers",
        };
        if self.on.domain() > self.detector.domain() {
            problems.push(("on", format!("{key} watches {wanted}")));
        }
        problems
    }

    fn stable(&self) -> Stable<'_> {
        let (key, config, every) = (self.detector.key(), &*self.detector, self.every.get());
        Stable::Detector { key, config, every }
    }

    fn init_stable(&self) -> Box<dyn Trigger> {
        Box::new(SequentialTrigger { only_values: true, ..self.start() })
    }
}

struct SequentialTrigger {
    config: Sequential,
    intervals: LabelledIntervals,
    detector: Box<dyn Detector>,
    /// The samples of the open question.
    asked: Vec<Sample>,
    /// Whether values are only reported and not shown to the detector.
    only_values: bool,
}

impl Snapshot for SequentialTrigger {
    fn save(&self) -> Vec<u8> {
        (self.intervals.save(), self.detector.save(), self.asked.clone()).save()
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), SnapshotError> {
        let (intervals, detector, asked): (Vec<u8>, Vec<u8>, _) = crate::restore(saved)?;
        let mut loaded = self.config.start();
        loaded.intervals.load(&intervals)?;
        loaded.detector.load(&detector)?;
        *self = SequentialTrigger { asked, only_values: self.only_values, ..loaded };
        Ok(())
    }
}

impl Trigger for SequentialTrigger {
    fn observe(&mut self, change: &Change) -> Step {
        match self.intervals.observe(change) {
            None | Some((_, Due::Nothing)) => Step::Continue,
            Some((_, Due::Train)) => warmup_training("sequential"),
            Some((samples, Due::Evaluate)) => {
                let ids = samples.iter().map(|sample| sample.id).collect();
                self.asked = samples;
                Step::Ask(Question { want: self.config.on.want(), ids })
            }
        }
    }

    fn answer(&mut self, answer: &Matrix) -> Step {
        let asked = std::mem::take(&mut self.asked);
        if self.only_values {
            let metric = self.config.detector.key();
            let score = |(_, value)| Score {
                metric: metric.to_owned(),
                value,
                threshold: None,
                p_value: None,
                fires: false,
            };
            let scores = self.values(&asked, answer).map(score).collect();
            let windows = vec![bounds(&asked)];
            return Step::Measured(Measurement {
                scores,
                windows,
                ..Measurement::of("sequential")
            });
        }
        let found = self.watch(&asked, answer);
        let evidence = found.map(|(_, evidence)| evidence).or(self.detector.evidence());
        let key = self.config.detector.key();
        let score = |evidence: Evidence| Score {
            metric: key.to_owned(),
            value: evidence.statistic,
            threshold: Some(evidence.bound),
            p_value: None,
            fires: found.is_some(),
        };
        let scores = evidence.map(score).into_iter().collect();
        let measurement =
            Measurement { scores, windows: vec![bounds(&asked)], ..Measurement::of("sequential") };
        let Some((place, Evidence { statistic, bound })) = found else {
            return Step::Measured(measurement);
        };
        let (id, nth, of) = (asked[place].id, place + 1, asked.len());
        let text =
            format!("{key} {statistic:.4} beyond {bound:.4} at sample {id:?}, {nth} of {of}");
        let policy = "sequential".to_owned();
        let reason = Reason { policy, text, score: Some(statistic), threshold: Some(bound) };
        Step::Fire(Firing::measured(reason, measurement))
    }

    fn trained(&mut self, outcome: &Outcome) {
        self.intervals.trained(outcome);
        if outcome.version.is_some() && self.config.restart {
            self.detector.restart();
        }
    }

    fn retained_samples(&self, visit: &mut dyn FnMut(Id)) {
        self.intervals.retained_samples(visit);
        self.asked.iter().for_each(|sample| visit(sample.id));
    }
}

impl SequentialTrigger {
    /// Shows an interval to the detector. Returns the index and the evidence of the first change.
    fn watch(&mut self, samples: &[Sample], answer: &Matrix) -> Option<(usize, Evidence)> {
        let mut found = None;
        let values: Vec<_> = self.values(samples, answer).collect();
        for (place, value) in values {
            if self.detector.observe(value) == Signal::Drift && found.is_none() {
                found = self.detector.evidence().map(|evidence| (place, evidence));
            }
        }
        found
    }

    /// The values for the detector, with the indices of their samples. Features are those that the source
    /// delivered.
    fn values<'a>(
        &self,
        samples: &'a [Sample],
        answer: &'a Matrix,
    ) -> impl Iterator<Item = (usize, f64)> + use<'a> {
        let (on, domain) = (self.config.on, self.config.detector.domain());
        samples.iter().enumerate().filter_map(move |(place, sample)| {
            let value = on.value(answer.row(place), sample.label)?;
            domain.contains(value).then_some((place, value))
        })
    }
}
