use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::calibration::Calibration;
use super::judges::Judges;
use super::side::Side;
use super::{Compared, Drift};
use crate::criterion::History;
use crate::drift::Components;
use crate::drift::window::{Item, Windows};
use crate::trigger::intervals::{Due, Interval, Intervals, Last, warmup_training};
use crate::trigger::{Cut, Decision, Look, Outcome, Question, Step, Trigger, Want};
use crate::{Change, Id, Kind, Matrix, Snapshot, SnapshotError, restore};

/// The running [`Drift`].
pub(super) struct DriftTrigger {
    config: Drift,
    intervals: Intervals,
    judges: Judges,
    state: State,
    /// What the newest model says of the reference, asked once; not part of snapshots.
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

/// The answer about a reference window.
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

    /// An answer in the reference's components.
    fn project(&self, answer: &Matrix) -> Option<Matrix> {
        self.components.as_ref().map(|components| components.scores(answer))
    }
}

/// A comparison whose questions are being answered.
struct Open {
    questions: VecDeque<(Role, Side)>,
    /// The last interval of the warm-up.
    last: Option<(Side, Matrix)>,
    reference: Side,
    members: Vec<Look>,
}

/// What a question is about.
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
        let judges = Judges::new(&config.metrics);
        let (every, warmup) = (config.every.get(), config.warmup);
        Self {
            config: config.clone(),
            intervals: Intervals::new(every, warmup, config.warmup_trigger.as_deref()),
            state: State {
                windows: config.windows.init(),
                calibration: Calibration::new(judges.remember()),
                comparisons: 0,
                versions: 0,
            },
            judges,
            known: None,
            open: None,
        }
    }

    fn conclude(&mut self, interval: Interval) -> Step {
        self.state.windows.observe(&interval.items);
        if let Some(Last(last)) = interval.warmup {
            self.state.calibration.observe(&mut self.state.windows, last);
            if interval.due == Due::Look {
                self.state.calibration.without_last();
            }
        }
        match interval.due {
            Due::Nothing => Step::Continue,
            Due::Train => warmup_training("drift"),
            Due::Look => self.compare(),
        }
    }

    /// Asks for what it has to know to compare the windows.
    fn compare(&mut self) -> Step {
        let (most, seed) = (self.config.sample_size.get(), self.config.seed);
        let side = |name, items: &VecDeque<Item>, turn| Side::of(name, items, most, (seed, turn));
        let turn = self.state.comparisons;
        self.state.comparisons += 1;
        // the choice of an unchanged reference stays the same, so that it is asked about once.
        let reference = side("reference", self.state.windows.reference(), !self.state.versions);
        let current = side("current", self.state.windows.current(), turn);
        if reference.ids.len() < 2 || current.ids.len() < 2 {
            return Step::Continue;
        }
        let (last, past) = self.state.calibration.take();
        let past = past.iter().filter(|items| items.len() >= 2);
        let mut questions: VecDeque<(Role, Side)> =
            past.map(|items| (Role::Past, side("reference", items, turn))).collect();
        match last.len() {
            0 | 1 => questions.clear(),
            _ if questions.is_empty() => {}
            _ => questions.push_front((Role::Last, side("current", &last, turn))),
        }
        if self.known.as_ref().is_none_or(|known| known.ids != reference.ids) {
            questions.push_back((Role::Reference, reference.clone()));
        }
        questions.push_back((Role::Current, current));
        let open = Open { questions, last: None, reference, members: Vec::new() };
        self.ask(open)
    }

    fn ask(&mut self, open: Open) -> Step {
        let Some((_, side)) = open.questions.front() else { return Step::Continue };
        let want = match self.config.on {
            Compared::Features => Want::Features,
            Compared::Embeddings => Want::Embeddings,
            Compared::Predictions => Want::Predictions,
        };
        let question = Question { want, ids: side.ids.clone() };
        self.open = Some(open);
        Step::Ask(question)
    }

    /// Compares a window of the warm-up with the last one.
    fn calibrate(&mut self, side: Side, answer: Matrix, (last, current): &(Side, Matrix)) -> Look {
        let past = Known::new(side.ids, answer, self.config.pca.map(usize::from));
        let projected = past.project(current);
        let scores = self.judges.learn(&past.reference, projected.as_ref().unwrap_or(current));
        Look { scores, windows: vec![side.bounds, last.bounds.clone()], ..Look::of("drift") }
    }

    fn look(&mut self, open: Open, current: Side, answer: Matrix) -> Step {
        let Some(known) = &self.known else { return Step::Continue };
        let projected = known.project(&answer).unwrap_or(answer);
        let scores = self.judges.judge(&known.reference, &projected);
        let votes = scores.iter().filter(|score| score.fires).count();
        let drifted = self.config.aggregate.holds(votes, scores.len());
        let reason = self.judges.reason(&scores).filter(|_| drifted);
        let windows = vec![open.reference.bounds, current.bounds];
        let look = Look { scores, windows, members: open.members, ..Look::of("drift") };
        match reason {
            Some(reason) => Step::Decide(Decision { cut: Cut::After, reason, look: Some(look) }),
            None => Step::Looked(look),
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
        let Some((role, side)) = open.questions.pop_front() else { return Step::Continue };
        let answer = answer.clone();
        match role {
            Role::Last => open.last = Some((side, answer)),
            Role::Past => {
                let look = open.last.as_ref().map(|last| self.calibrate(side, answer, last));
                open.members.extend(look);
            }
            Role::Reference => {
                let pca = self.config.pca.map(usize::from);
                self.known = Some(Known::new(side.ids, answer, pca));
            }
            Role::Current => return self.look(open, side, answer),
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

    fn reach(&self, see: &mut dyn FnMut(Id)) {
        let windows = self.state.windows.items().chain(self.state.calibration.items());
        windows.chain(self.intervals.items()).for_each(|(_, id)| see(*id));
    }
}

impl Snapshot for DriftTrigger {
    fn save(&self) -> Vec<u8> {
        (self.state.clone(), self.judges.histories(), self.intervals.save()).save()
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), SnapshotError> {
        let (state, histories, intervals): (State, Vec<History>, Vec<u8>) = restore(saved)?;
        self.intervals.load(&intervals)?;
        self.judges.restore(histories);
        self.state = state;
        (self.known, self.open) = (None, None);
        Ok(())
    }
}
