//! Runs a trigger policy over ordered changes.

use std::rc::Rc;

use timely::dataflow::operators::Capability;

use super::evaluation::TriggerEvaluation;
use super::hosted::HostedTrigger;
use super::waiting::{Asked, FiredDecision, Waiting};
use super::{CheckpointedDecision, ModelQuery, TriggerCheckpoint};
use crate::flow::Service;
use crate::flow::queue::{Queue, whole};
use crate::trigger::{Cut, Decision, Firing, Measurement, Outcome, Question, Step, Trigger};
use crate::{Change, Matrix, Position};

/// Maximum number of changes shown to the policy before other operators are scheduled.
const QUANTUM: usize = 65_536;

/// Shows changes to a policy, one after another, and separates its questions from its decisions.
pub(super) struct Host<S, K, L> {
    trigger: Box<dyn Trigger>,
    service: S,
    on_checkpoint: K,
    checkpoint_interval: u64,
    on_evaluation: L,
    /// Seconds on a monotonic clock. The duration of an evaluation is reported but never used.
    clock: Box<dyn Fn() -> f64>,
    /// Changes to be shown.
    changes: Queue,
    /// A capability for a time that is not after the first change to be shown.
    capability: Option<Capability<Position>>,
    waiting: Waiting,
    /// Changes from this position on are not shown yet.
    end: Option<Position>,
    /// Changes before this position were shown.
    at: Position,
    /// Number of changes shown since the last checkpoint of the policy.
    since_checkpoint: u64,
    version: Option<u64>,
    next_trigger: u64,
    decisions_before: u32,
    /// Trigger, position and number of the last measurement.
    last_evaluation: Option<((u64, Position), u32)>,
    quantum: usize,
}

impl<S: Service<ModelQuery, Matrix>, K: FnMut(TriggerCheckpoint), L: FnMut(TriggerEvaluation)>
    Host<S, K, L>
{
    /// Creates a host from the policy's checkpoint, and returns the decision that is open there.
    pub(super) fn new(
        hosted: HostedTrigger<S, K, L>,
        clock: Box<dyn Fn() -> f64>,
    ) -> (Self, Option<CheckpointedDecision>) {
        let HostedTrigger {
            mut trigger,
            checkpoint,
            service,
            on_checkpoint,
            checkpoint_interval,
            on_evaluation,
        } = hosted;
        let checkpoint = checkpoint.unwrap_or_else(|| TriggerCheckpoint::initial(&*trigger));
        trigger.load(&checkpoint.policy).expect("a checkpoint is kept with the pipeline it is of");
        let host = Self {
            trigger,
            service,
            on_checkpoint,
            checkpoint_interval,
            on_evaluation,
            clock,
            changes: Queue::default(),
            capability: None,
            waiting: if checkpoint.open.is_some() { Waiting::Outcome } else { Waiting::Nothing },
            end: None,
            at: checkpoint.at,
            since_checkpoint: 0,
            version: checkpoint.version,
            next_trigger: checkpoint.next_trigger,
            decisions_before: checkpoint.decisions_before,
            last_evaluation: None,
            quantum: QUANTUM,
        };
        let open = checkpoint.open.clone();
        (host, open.map(|decision| CheckpointedDecision { decision, checkpoint }))
    }

    pub(super) fn push(&mut self, capability: Capability<Position>, batch: Rc<Vec<Change>>) {
        self.capability.get_or_insert(capability);
        self.changes.push(batch);
    }

    pub(super) fn trained(&mut self, outcome: &Outcome) {
        self.version = outcome.version.or(self.version);
        self.trigger.trained(outcome);
        self.waiting = Waiting::Nothing;
    }

    /// Waits for the outcome of a decision. Returns the checkpoint in which the decision is open.
    pub(super) fn wait(&mut self, decision: &Decision) -> TriggerCheckpoint {
        self.waiting = Waiting::Outcome;
        self.since_checkpoint = 0;
        self.checkpoint(Some(decision.clone()))
    }

    pub(super) fn report_checkpoint(&mut self) {
        let checkpoint = self.checkpoint(None);
        (self.on_checkpoint)(checkpoint);
        self.since_checkpoint = 0;
    }

    /// Gives the number of the last decision to the next one: the last decision does not count.
    pub(super) fn reuse_number(&mut self) {
        self.next_trigger -= 1;
    }

    /// The version that answers questions.
    pub(super) fn version(&self) -> Option<u64> {
        self.version
    }

    /// The next change to be shown, if the policy waits for nothing and its quantum is not used up.
    pub(super) fn next(&mut self) -> Option<Position> {
        if self.waiting != Waiting::Nothing || self.quantum == 0 {
            return None;
        }
        self.skip();
        self.changes.rest().first().map(|change| change.at)
    }

    /// Sets the version that answers questions from here on, and shows no changes from `end` on.
    pub(super) fn ask_until(&mut self, version: Option<u64>, end: Option<Position>) {
        self.end = end;
        if self.version != version {
            self.version = version;
            // answers that the policy caches but does not save are those of the earlier version.
            let saved = self.trigger.save();
            self.trigger.load(&saved).expect("the policy saved it");
        }
    }

    /// Continues until the policy decides, has to wait, has used up its quantum, or has seen all changes.
    pub(super) fn step(&mut self) -> Option<FiredDecision> {
        loop {
            let (asked, covered, step) = match self.waiting {
                Waiting::Outcome => return None,
                Waiting::Answer(asked) => {
                    let answer = self.service.poll()?;
                    self.waiting = Waiting::Nothing;
                    (asked, 0, self.trigger.answer(&answer))
                }
                Waiting::Nothing => self.show()?,
            };
            match step {
                Step::Continue => self.pass(covered),
                Step::Measured(measurement) => {
                    self.pass(covered);
                    self.evaluated(asked, false, measurement);
                }
                Step::Ask(question) => {
                    self.pass(covered);
                    self.ask(asked, question);
                }
                Step::Fire(firing) => return Some(self.fired(asked, firing, covered)),
            }
        }
    }

    /// Shows changes up to the first at which the policy takes a step. Returns the step and the number of
    /// changes shown with it; none if there are no changes to be shown.
    fn show(&mut self) -> Option<(Asked, usize, Step)> {
        self.skip();
        self.report_checkpoint_when_due();
        let rest = self.changes.rest();
        let due = rest.partition_point(|change| self.end.is_none_or(|end| change.at < end));
        let shown = whole(&rest[..due], self.quantum);
        let last = shown.last()?.at;
        let (passed, step) = self.trigger.observe_all(shown);
        let since = (self.clock)();
        let at = shown.get(passed).map(|change| change.at);
        self.pass(passed);
        let before = matches!(&step, Step::Fire(decision) if decision.cut == Cut::Before);
        let covered = usize::from(at.is_some() && !before);
        let (position, decisions_before) = (at.unwrap_or(last), self.decisions_before);
        Some((Asked { position, decisions_before, version: None, since }, covered, step))
    }

    fn ask(&mut self, asked: Asked, question: Question) {
        let (position, version) = (asked.position, self.version);
        // of several questions in a row, the first one sets the start time.
        self.waiting = Waiting::Answer(Asked { version, ..asked });
        self.service.ask(ModelQuery { position, version, question });
    }

    fn evaluated(&mut self, asked: Asked, decides: bool, measurement: Measurement) {
        let Asked { position, version, since, .. } = asked;
        let (trigger, seconds) = (self.next_trigger, (self.clock)() - since);
        let before = self.last_evaluation.filter(|(last, _)| *last == (trigger, position));
        let number = before.map_or(0, |(_, number)| number + 1);
        self.last_evaluation = Some(((trigger, position), number));
        (self.on_evaluation)(TriggerEvaluation {
            position,
            trigger,
            number,
            decides,
            version,
            measurement,
            seconds,
        });
    }

    /// Drops the changes that the policy saw before it was stopped.
    fn skip(&mut self) {
        loop {
            let rest = self.changes.rest();
            let seen = rest.partition_point(|change| change.at < self.at);
            if seen == 0 {
                return;
            }
            self.changes.pass(seen);
        }
    }

    /// Reports a checkpoint if one is due. It lies between two batches, because the changes at one position
    /// are in one batch.
    fn report_checkpoint_when_due(&mut self) {
        if self.since_checkpoint >= self.checkpoint_interval && self.changes.between_batches() {
            self.report_checkpoint();
        }
    }

    fn checkpoint(&self, open: Option<Decision>) -> TriggerCheckpoint {
        TriggerCheckpoint {
            at: self.at,
            decisions_before: self.decisions_before,
            next_trigger: self.next_trigger,
            version: self.version,
            open,
            policy: self.trigger.save(),
        }
    }

    /// Marks the first `count` changes as seen by the policy.
    fn pass(&mut self, count: usize) {
        if let Some(last) = count.checked_sub(1).and_then(|last| self.changes.rest().get(last)) {
            self.at = last.at.next();
            self.changes.pass(count);
            self.quantum = self.quantum.saturating_sub(count);
            self.since_checkpoint += count as u64;
            self.decisions_before = 0;
        }
    }

    /// Numbers a decision, and marks the changes that it `covered` as seen.
    fn fired(&mut self, asked: Asked, firing: Firing, covered: usize) -> FiredDecision {
        let Asked { position, decisions_before, .. } = asked;
        if let Some(measurement) = &firing.measurement {
            self.evaluated(asked, true, measurement.clone());
        }
        let capability = self.capability.as_mut().expect("changes are pending");
        capability.downgrade(&position);
        let capability = capability.clone();
        let decision = Decision {
            trigger: self.next_trigger,
            position,
            cut: firing.cut,
            decisions_before,
            reason: firing.reason,
        };
        self.next_trigger += 1;
        self.pass(covered);
        let shown = self.at > position;
        self.decisions_before = if shown { 0 } else { self.decisions_before + 1 };
        FiredDecision { capability, decision, measurement: firing.measurement, phase: firing.phase }
    }

    /// Downgrades the capability to the first change that was not shown. Returns whether the operator has
    /// to run again at once.
    pub(super) fn downgrade(&mut self) -> bool {
        // also while the policy waits: an old frontier stops the reading of changes, and the outcome may
        // need changes that are not read yet.
        self.skip();
        let next = match self.waiting {
            Waiting::Answer(Asked { position, .. }) => Some(position),
            _ => self.changes.rest().first().map(|change| change.at),
        };
        match (next, &mut self.capability) {
            (Some(next), Some(capability)) => capability.downgrade(&next),
            _ => self.capability = None,
        }
        let exhausted = self.quantum == 0;
        self.quantum = QUANTUM;
        exhausted
    }
}
