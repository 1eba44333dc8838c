//! The comparison of windows.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::calibration::Calibration;
use super::config::{Compared, Drift};
use super::metric_set::MetricSet;
use super::window_sample::WindowSample;

use crate::criterion::History;
use crate::drift::Components;
use crate::drift::window::{Item, Windows};
use crate::trigger::intervals::{Due, Interval, Intervals, Last, warmup_training};
use crate::trigger::{Firing, Measurement, Outcome, Question, Step, Trigger, Want};
use crate::{Change, Id, Kind, Matrix, Snapshot, SnapshotError, restore};

/// The running [`Drift`].
pub(super) struct DriftTrigger {
    config: Drift,
    intervals: Intervals,
    metric_set: MetricSet,
    state: State,
    /// The newest model's outputs for the reference, requested only once. They are not part of snapshots.
    known: Option<Known>,
    open: Option<Open>,
}

#[derive(Clone, Serialize, Deserialize)]
struct State {
    windows: Windows,
    calibration: Calibration,
    comparisons: u64,
    versions: u64,
}

/// The outputs for a reference window.
struct Known {
    ids: Vec<Id>,
    components: Option<Components>,
    reference: Matrix,
}

impl Known {
    fn new(ids: Vec<Id>, answer: Matrix, pca: Option<usize>) -> Self {
        let components = pca.map(|count| Components::of(&answer, count));
        let reference = match &components {
            Some(components) => components.scores(&answer),
            None => answer,
        };
        Self { ids, components, reference }
    }

    /// The outputs in the reference's components.
    fn project(&self, answer: &Matrix) -> Option<Matrix> {
        self.components.as_ref().map(|components| components.scores(answer))
    }
}

/// A comparison that waits for answers.
struct Open {
    questions: VecDeque<(Role, WindowSample)>,
    /// The last interval of the warm-up.
    last: Option<AnsweredSample>,
    reference: WindowSample,
    members: Vec<Measurement>,
}

/// A window sample and the model's outputs for it.
struct AnsweredSample {
    sample: WindowSample,
    answer: Matrix,
}

/// The window of a question.
#[derive(Clone, Copy)]
enum Role {
    /// The last interval of the warm-up.
    Last,
    /// A reference window of the warm-up.
    Past,
    Reference,
    Current,
}

impl DriftTrigger {
    pub(super) fn new(config: &Drift) -> Self {
        let metric_set = MetricSet::new(&config.metrics);
        let (every, warmup) = (config.every.get(), config.warmup);
        Self {
            config: config.clone(),
            intervals: Intervals::new(every, warmup, config.warmup_trigger.as_deref()),
            state: State {
                windows: config.windows.init(),
                calibration: Calibration::new(metric_set.remember()),
                comparisons: 0,
                versions: 0,
            },
            metric_set,
            known: None,
            open: None,
        }
    }

    fn conclude(&mut self, interval: Interval) -> Step {
        self.state.windows.observe(&interval.items);
        if let Some(Last(last)) = interval.warmup {
            self.state.calibration.observe(&mut self.state.windows, last);
            if interval.due == Due::Evaluate {
                self.state.calibration.without_last();
            }
        }
        match interval.due {
            Due::Nothing => Step::Continue,
            Due::Train => warmup_training("drift"),
            Due::Evaluate => self.compare(),
        }
    }

    /// Asks the questions that the comparison of the windows requires.
    fn compare(&mut self) -> Step {
        let (most, seed) = (self.config.sample_size.get(), self.config.seed);
        let sample =
            |name, items: &VecDeque<Item>, turn| WindowSample::of(name, items, most, seed, turn);
        let turn = self.state.comparisons;
        self.state.comparisons += 1;
        // an unchanged reference keeps its random sample, so that its outputs are requested only once.
        let reference = sample("reference", self.state.windows.reference(), !self.state.versions);
        let current = sample("current", self.state.windows.current(), turn);
        if reference.ids.len() < 2 || current.ids.len() < 2 {
            return Step::Continue;
        }
        let (last, past) = self.state.calibration.take();
        let past = past.iter().filter(|items| items.len() >= 2);
        let mut questions: VecDeque<(Role, WindowSample)> =
            past.map(|items| (Role::Past, sample("reference", items, turn))).collect();
        match last.len() {
            0 | 1 => questions.clear(),
            _ if questions.is_empty() => {}
            _ => questions.push_front((Role::Last, sample("current", &last, turn))),
        }
        if self.known.as_ref().is_none_or(|known| known.ids != reference.ids) {
            questions.push_back((Role::Reference, reference.clone()));
        }
        questions.push_back((Role::Current, current));
        let open = Open { questions, last: None, reference, members: Vec::new() };
        self.ask(open)
    }

    fn ask(&mut self, open: Open) -> Step {
        let Some((_, sample)) = open.questions.front() else { return Step::Continue };
        let want = match self.config.on {
            Compared::Features => Want::Features,
            Compared::Embeddings => Want::Embeddings,
            Compared::Predictions => Want::Predictions,
        };
        let question = Question { want, ids: sample.ids.clone() };
        self.open = Some(open);
        Step::Ask(question)
    }

    /// Compares a window of the warm-up with the last one.
    fn calibrate(&mut self, past: AnsweredSample, last: &AnsweredSample) -> Measurement {
        let AnsweredSample { sample, answer } = past;
        let known = Known::new(sample.ids, answer, self.config.pca.map(usize::from));
        let projected = known.project(&last.answer);
        let current = projected.as_ref().unwrap_or(&last.answer);
        let scores = self.metric_set.learn(&known.reference, current);
        Measurement {
            scores,
            windows: vec![sample.bounds, last.sample.bounds.clone()],
            ..Measurement::of("drift")
        }
    }

    fn measurement(&mut self, open: Open, current: WindowSample, answer: Matrix) -> Step {
        let Some(known) = &self.known else { return Step::Continue };
        let projected = known.project(&answer).unwrap_or(answer);
        let scores = self.metric_set.compare(&known.reference, &projected);
        let votes = scores.iter().filter(|score| score.fires).count();
        let drifted = self.config.aggregate.holds(votes, scores.len());
        let reason = self.metric_set.reason(&scores).filter(|_| drifted);
        let windows = vec![open.reference.bounds, current.bounds];
        let measurement =
            Measurement { scores, windows, members: open.members, ..Measurement::of("drift") };
        match reason {
            Some(reason) => Step::Fire(Firing::measured(reason, measurement)),
            None => Step::Measured(measurement),
        }
    }
}

impl Trigger for DriftTrigger {
    fn observe(&mut self, change: &Change) -> Step {
        match change.kind {
            Kind::Insert => match self.intervals.insert(change) {
                Some(interval) => self.conclude(interval),
                None => Step::Continue,
            },
            Kind::Retract => {
                let id = change.record.id();
                self.intervals.retract(id);
                self.state.windows.retract(id);
                self.state.calibration.retract(id);
                Step::Continue
            }
            Kind::Label | Kind::Delete => Step::Continue,
        }
    }

    fn answer(&mut self, answer: &Matrix) -> Step {
        let Some(mut open) = self.open.take() else { return Step::Continue };
        let Some((role, sample)) = open.questions.pop_front() else { return Step::Continue };
        let answer = answer.clone();
        match role {
            Role::Last => open.last = Some(AnsweredSample { sample, answer }),
            Role::Past => {
                let past = AnsweredSample { sample, answer };
                let measurement = open.last.as_ref().map(|last| self.calibrate(past, last));
                open.members.extend(measurement);
            }
            Role::Reference => {
                let pca = self.config.pca.map(usize::from);
                self.known = Some(Known::new(sample.ids, answer, pca));
            }
            Role::Current => return self.measurement(open, sample, answer),
        }
        self.ask(open)
    }

    fn trained(&mut self, outcome: &Outcome) {
        self.intervals.trained(outcome);
        if outcome.version.is_some() {
            self.state.windows.trained();
            self.state.versions += 1;
            self.known = None;
        }
    }

    fn retained_samples(&self, visit: &mut dyn FnMut(Id)) {
        let windows = self.state.windows.items().chain(self.state.calibration.items());
        windows.chain(self.intervals.items()).for_each(|(_, id)| visit(*id));
    }
}

impl Snapshot for DriftTrigger {
    fn save(&self) -> Vec<u8> {
        (self.state.clone(), self.metric_set.histories(), self.intervals.save()).save()
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), SnapshotError> {
        let (state, histories, intervals): (State, Vec<History>, Vec<u8>) = restore(saved)?;
        self.intervals.load(&intervals)?;
        self.metric_set.restore(histories);
        self.state = state;
        (self.known, self.open) = (None, None);
        Ok(())
    }
}
