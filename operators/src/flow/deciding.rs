use std::rc::Rc;

use timely::dataflow::operators::Capability;

use super::decide::{Decided, Deciding, Standing};
use super::queue::Queue;
use super::service::{Asker, Service};
use crate::trigger::{Cut, Decision, Outcome, Step, Trigger};
use crate::{Change, Matrix, Position};

/// Most changes shown to the policy before other operators get a turn.
const QUANTUM: usize = 65_536;

/// What the policy waits for.
#[derive(PartialEq)]
enum Waiting {
    Nothing,
    /// The answer to a question caused by the change at this position.
    Answer(Position),
    /// The outcome of the last decision.
    Outcome,
}

/// Shows changes to a policy, one after another, and keeps its questions and decisions apart.
pub(super) struct Host<S, K> {
    trigger: Box<dyn Trigger>,
    service: S,
    keep: K,
    every: u64,
    /// Changes to be shown.
    changes: Queue,
    /// Not after the first change to be shown.
    capability: Option<Capability<Position>>,
    waiting: Waiting,
    /// Changes before were shown.
    at: Position,
    /// Changes shown since the policy's standing was kept.
    unkept: u64,
    version: Option<u64>,
    next_trigger: u64,
    decided_before: u32,
    quantum: usize,
}

impl<S: Service<Asker, Matrix>, K: FnMut(Standing)> Host<S, K> {
    /// A host whose policy stands where it should, and the decision that is open there.
    pub(super) fn new(deciding: Deciding<S, K>) -> (Self, Option<Decided>) {
        let Deciding { mut trigger, standing, service, keep, every } = deciding;
        let standing = standing.unwrap_or_else(|| Standing {
            at: Position::MIN,
            decided_before: 0,
            next_trigger: 0,
            version: None,
            open: None,
            policy: trigger.save(),
        });
        trigger.load(&standing.policy).expect("a standing is kept with the pipeline it is of");
        let host = Self {
            trigger,
            service,
            keep,
            every,
            changes: Queue::default(),
            capability: None,
            waiting: if standing.open.is_some() { Waiting::Outcome } else { Waiting::Nothing },
            at: standing.at,
            unkept: 0,
            version: standing.version,
            next_trigger: standing.next_trigger,
            decided_before: standing.decided_before,
            quantum: QUANTUM,
        };
        (host, standing.open)
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

    /// Goes on until the policy decides, has to wait, has seen enough, or has seen all.
    pub(super) fn step(&mut self) -> Option<(Capability<Position>, Decided)> {
        if let Waiting::Answer(position) = self.waiting {
            let answer = self.service.poll()?;
            self.waiting = Waiting::Nothing;
            if let Some(decision) = self.trigger.answer(&answer).decision {
                return Some(self.decided(position, decision, 0));
            }
        }
        while self.waiting == Waiting::Nothing {
            self.skip();
            self.keep_now_and_then();
            let rest = self.changes.rest();
            let shown = whole(rest, self.quantum);
            if shown.is_empty() {
                break;
            }
            let (passed, step) = self.trigger.observe_all(shown);
            let at = shown.get(passed).map(|change| change.at);
            self.pass(passed);
            match (step, at) {
                (Step::Decide(decision), Some(at)) => {
                    let covered = usize::from(decision.cut == Cut::After);
                    return Some(self.decided(at, decision, covered));
                }
                (Step::Ask(question), Some(position)) => {
                    self.pass(1);
                    self.waiting = Waiting::Answer(position);
                    let version = self.version;
                    self.service.ask(Asker { position, version, question });
                    return self.step();
                }
                _ => {}
            }
        }
        None
    }

    /// Drops what the policy saw before it was stopped.
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

    /// Between two batches, for changes at one position come in one batch.
    fn keep_now_and_then(&mut self) {
        if self.unkept >= self.every && self.changes.between_batches() {
            let standing = self.standing(None);
            (self.keep)(standing);
            self.unkept = 0;
        }
    }

    fn standing(&self, open: Option<Decided>) -> Standing {
        Standing {
            at: self.at,
            decided_before: self.decided_before,
            next_trigger: self.next_trigger,
            version: self.version,
            open,
            policy: self.trigger.save(),
        }
    }

    /// The policy has seen the first changes.
    fn pass(&mut self, count: usize) {
        if let Some(last) = count.checked_sub(1).and_then(|last| self.changes.rest().get(last)) {
            self.at = last.at + 1;
            self.changes.pass(count);
            self.quantum = self.quantum.saturating_sub(count);
            self.unkept += count as u64;
            self.decided_before = 0;
        }
    }

    /// Numbers a decision, passes what it `covered` of the changes to be shown, and keeps where the
    /// policy stands then.
    fn decided(
        &mut self,
        position: Position,
        decision: Decision,
        covered: usize,
    ) -> (Capability<Position>, Decided) {
        let capability = self.capability.as_mut().expect("changes are pending");
        capability.downgrade(&position);
        let capability = capability.clone();
        let decided = Decided {
            trigger: self.next_trigger,
            position,
            cut: decision.cut,
            decided_before: self.decided_before,
            reason: decision.reason,
        };
        self.waiting = Waiting::Outcome;
        self.next_trigger += 1;
        self.pass(covered);
        let shown = self.at > position;
        self.decided_before = if shown { 0 } else { self.decided_before + 1 };
        let standing = self.standing(Some(decided.clone()));
        (self.keep)(standing);
        self.unkept = 0;
        (capability, decided)
    }

    /// Lets go of what was shown; whether there is more to do at once.
    pub(super) fn downgrade(&mut self) -> bool {
        let next = match self.waiting {
            Waiting::Answer(position) => Some(position),
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

/// The first `most` changes, and those at the position of the last of them: what is shown of a
/// position counts as all of it.
fn whole(changes: &[Change], most: usize) -> &[Change] {
    let Some(last) = most.checked_sub(1).and_then(|last| changes.get(last)) else {
        return &changes[..changes.len().min(most)];
    };
    let same = changes[most..].iter().take_while(|change| change.at == last.at).count();
    &changes[..most + same]
}
