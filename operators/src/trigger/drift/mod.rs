mod aggregate;

pub use aggregate::Aggregate;

use std::num::NonZeroUsize;

use rand::SeedableRng;
use rand_pcg::Pcg64;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Cut, Decision, Look, Outcome, Question, Reason, Score, Step, Trigger, TriggerConfig,
    TriggerTable, Want, WindowBounds,
};
use crate::drift::metric::{Metric, MetricTable};
use crate::drift::window::{Item, WindowTable, Windows};
use crate::{Change, Id, Kind, Matrix, Snapshot, SnapshotError, position_time};

pub(super) const EXAMPLE: &str = "every = 250
windows.amount = { reference = 1000, current = 500 }
metrics.mmd = { threshold = 0.05 }";

/// Trains when the newest samples look unlike those that the newest model knows.
///
/// Every `every` samples the current window is compared with the reference window: on raw
/// features, on the newest model's embeddings, or on its predictions. Each metric whose distance
/// is at or above its threshold votes for training; `aggregate` says how many votes it takes.
/// While there is no model to ask, and in any case for the first `warmup` samples, nothing is
/// compared: `warmup_trigger` decides, or, without one, the end of the warm-up trains the first
/// model.
///
/// A trailing part of less than `every` samples is never looked at. A sample that is taken back
/// leaves the windows, or the interval that is not complete; labels are not looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Drift {
    /// Samples between two comparisons.
    pub every: NonZeroUsize,
    /// Samples before the first comparison (default 0: the first `every` train the first model).
    #[serde(default)]
    pub warmup: u64,
    /// Decides in the warm-up, looked at after every `every` samples; `amount` or `time`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warmup_trigger: Option<Box<TriggerTable>>,
    /// What is compared (default `embeddings`).
    #[serde(default)]
    pub on: Compared,
    /// Which samples are compared.
    pub windows: WindowTable,
    /// Most samples taken from each window, by chance from `seed` (default 5000).
    #[serde(default = "sample_size")]
    pub sample_size: NonZeroUsize,
    /// Seed of the choice of samples (default 0).
    #[serde(default)]
    pub seed: u64,
    /// The distances and their thresholds.
    pub metrics: MetricTable,
    /// How many of several metrics must find drift (default `any`).
    #[serde(default)]
    pub aggregate: Aggregate,
}

fn sample_size() -> NonZeroUsize {
    NonZeroUsize::new(5000).expect("5000 is not zero")
}

/// What of the samples is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Compared {
    /// Raw feature values.
    Features,
    /// Activations of the newest model's last hidden layer.
    #[default]
    Embeddings,
    /// The newest model's class probabilities.
    Predictions,
}

impl TriggerConfig for Drift {
    fn init(&self) -> Box<dyn Trigger> {
        Box::new(DriftTrigger {
            config: self.clone(),
            metrics: self.metrics.named().iter().map(|(_, metric)| metric.init()).collect(),
            warmup_trigger: self.warmup_trigger.as_ref().map(|table| table.init()),
            state: State {
                windows: self.windows.init(),
                interval: Vec::new(),
                seen: 0,
                comparisons: 0,
                warmup_fired: false,
                has_model: false,
                asked: 0,
            },
        })
    }

    fn check(&self) -> Vec<(&'static str, String)> {
        let metrics = self.metrics.check().into_iter();
        let mut problems: Vec<_> = metrics.map(|problem| ("metrics", problem)).collect();
        if matches!(self.warmup_trigger.as_deref(), Some(TriggerTable::drift(_))) {
            problems.push(("warmup_trigger", "wanted `amount` or `time`".to_owned()));
        }
        problems
    }
}

struct DriftTrigger {
    config: Drift,
    metrics: Vec<Box<dyn Metric>>,
    warmup_trigger: Option<Box<dyn Trigger>>,
    state: State,
}

#[derive(Clone, Serialize, Deserialize)]
struct State {
    windows: Windows,
    /// Samples since the last comparison.
    interval: Vec<Item>,
    seen: u64,
    comparisons: u64,
    /// Whether the warm-up trigger decided within the interval.
    warmup_fired: bool,
    has_model: bool,
    /// Rows of the open question that belong to the reference.
    asked: usize,
}

impl Snapshot for DriftTrigger {
    fn save(&self) -> Vec<u8> {
        let warmup = self.warmup_trigger.as_ref().map(|trigger| trigger.save());
        (self.state.clone(), warmup).save()
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), SnapshotError> {
        let mut loaded: (State, Option<Vec<u8>>) = (self.state.clone(), None);
        loaded.load(saved)?;
        if let (Some(trigger), Some(saved)) = (&mut self.warmup_trigger, &loaded.1) {
            trigger.load(saved)?;
        }
        self.state = loaded.0;
        Ok(())
    }
}

impl Trigger for DriftTrigger {
    fn observe(&mut self, change: &Change) -> Step {
        match change.kind {
            Kind::Insert => {}
            Kind::Retract => {
                let id = change.record.id();
                self.state.interval.retain(|(_, held)| *held != id);
                self.state.windows.retract(id);
                return Step::Continue;
            }
            Kind::Label | Kind::Delete => return Step::Continue,
        }
        if self.state.seen < self.config.warmup {
            self.observe_warmup(change);
        }
        self.state.seen += 1;
        self.state.interval.push((position_time(change.at), change.record.id()));
        if self.state.interval.len() < self.config.every.get() {
            return Step::Continue;
        }
        self.state.windows.observe(&self.state.interval);
        self.state.interval.clear();
        self.look()
    }

    fn answer(&mut self, answer: &Matrix) -> Step {
        let (reference, current) = answer.clone().split_rows(self.state.asked);
        let named = self.config.metrics.named();
        let scores: Vec<Score> = named
            .iter()
            .zip(&mut self.metrics)
            .map(|((key, config), metric)| {
                let (value, threshold) = (metric.distance(&reference, &current), config.threshold());
                Score {
                    metric: (*key).to_owned(),
                    value,
                    threshold: Some(threshold),
                    p_value: None,
                    fires: value >= threshold,
                }
            })
            .collect();
        let votes = scores.iter().filter(|score| score.fires).count();
        let drifted = self.config.aggregate.holds(votes, scores.len());
        let reason = drifted.then(|| drift_found(&scores));
        let windows = &self.state.windows;
        let windows = vec![
            WindowBounds::of("reference", windows.reference().iter()),
            WindowBounds::of("current", windows.current().iter()),
        ];
        let look = Look { scores, windows, ..Look::of("drift") };
        match reason {
            Some(reason) => Step::Decide(Decision { cut: Cut::After, reason, look: Some(look) }),
            None => Step::Looked(look),
        }
    }

    fn trained(&mut self, outcome: &Outcome) {
        if outcome.version.is_some() {
            self.state.has_model = true;
            self.state.windows.trained();
        }
    }

    fn reach(&self, see: &mut dyn FnMut(Id)) {
        self.state.windows.items().chain(&self.state.interval).for_each(|(_, id)| see(*id));
    }
}

impl DriftTrigger {
    fn observe_warmup(&mut self, change: &Change) {
        let Some(trigger) = &mut self.warmup_trigger else { return };
        // the interval decides as a whole, so it does not matter how often or where inside it.
        while let Step::Decide(decision) = trigger.observe(change) {
            self.state.warmup_fired = true;
            if decision.cut == Cut::After {
                break;
            }
        }
    }

    /// An interval is complete.
    fn look(&mut self) -> Step {
        let fired = std::mem::take(&mut self.state.warmup_fired);
        if self.state.seen < self.config.warmup || self.warmup_ends_with_its_trigger(fired) {
            return if fired { warmup_training() } else { Step::Continue };
        }
        if !self.state.has_model {
            return warmup_training();
        }
        self.ask()
    }

    /// At the end of the warm-up its trigger still has the say over the last interval.
    fn warmup_ends_with_its_trigger(&self, fired: bool) -> bool {
        let ended_now = self.state.seen < self.config.warmup + self.config.every.get() as u64;
        fired && ended_now
    }

    fn ask(&mut self) -> Step {
        let (seed, count) = (self.config.seed, self.state.comparisons);
        self.state.comparisons += 1;
        let mut random = Pcg64::seed_from_u64(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ count);
        let mut pick = |items: &std::collections::VecDeque<Item>| -> Vec<Id> {
            let most = self.config.sample_size.get();
            if items.len() <= most {
                return items.iter().map(|(_, id)| *id).collect();
            }
            let mut chosen = rand::seq::index::sample(&mut random, items.len(), most).into_vec();
            chosen.sort_unstable();
            chosen.into_iter().map(|index| items[index].1).collect()
        };
        let mut ids = pick(self.state.windows.reference());
        let current = pick(self.state.windows.current());
        if ids.len() < 2 || current.len() < 2 {
            return Step::Continue;
        }
        self.state.asked = ids.len();
        ids.extend(current);
        let want = match self.config.on {
            Compared::Features => Want::Features,
            Compared::Embeddings => Want::Embeddings,
            Compared::Predictions => Want::Predictions,
        };
        Step::Ask(Question { want, ids })
    }
}

fn warmup_training() -> Step {
    let reason = Reason::plain("drift", "warm-up");
    Step::Decide(Decision::plain(Cut::After, reason))
}

/// The reason, explained by the metric that is farthest beyond its threshold.
fn drift_found(scores: &[Score]) -> Reason {
    let beyond = |score: &Score| score.value - score.threshold.unwrap_or(score.value);
    let worst = scores
        .iter()
        .max_by(|a, b| beyond(a).total_cmp(&beyond(b)))
        .expect("a drift trigger has a metric");
    let threshold = worst.threshold.unwrap_or(worst.value);
    let text = format!("{} {:.4} ≥ {threshold}", worst.metric, worst.value);
    Reason { policy: "drift".into(), text, score: Some(worst.value), threshold: worst.threshold }
}
