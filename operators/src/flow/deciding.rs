use std::rc::Rc;

use timely::dataflow::operators::Capability;

use super::asked::{Asked, Made, Waiting};
use super::decide::{Decided, Deciding, Standing};
use super::looked::Looked;
use super::queue::{Queue, whole};
use super::service::{Asker, Service};
use crate::trigger::{Cut, Decision, Look, Outcome, Question, Step, Trigger};
use crate::{Change, Matrix, Position};

/// Most changes shown to the policy before other operators get a turn.
const QUANTUM: usize = 65_536;

/// Shows changes to a policy, one after another, and keeps its questions and decisions apart.
pub(super) struct Host<S, K, L> {
    trigger: Box<dyn Trigger>,
    service: S,
    keep: K,
    every: u64,
    tell: L,
    /// Seconds since some moment: how long a look took is told, never used.
    clock: Box<dyn Fn() -> f64>,
    /// Changes to be shown.
    changes: Queue,
    /// Not after the first change to be shown.
    capability: Option<Capability<Position>>,
    waiting: Waiting,
    /// Changes from here on are not shown yet.
    end: Option<Position>,
    /// Changes before were shown.
    at: Position,
    /// Changes shown since the policy's standing was kept.
    unkept: u64,
    version: Option<u64>,
    next_trigger: u64,
    decided_before: u32,
    /// Trigger, position and number of the last look.
    last_look: Option<((u64, Position), u32)>,
    quantum: usize,
}

impl<S: Service<Asker, Matrix>, K: FnMut(Standing), L: FnMut(Looked)> Host<S, K, L> {
    /// A host whose policy stands where it should, and the decision that is open there.
    pub(super) fn new(
        deciding: Deciding<S, K, L>,
        clock: Box<dyn Fn() -> f64>,
    ) -> (Self, Option<Decided>) {
        let Deciding { mut trigger, standing, service, keep, every, tell } = deciding;
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
            tell,
            clock,
            changes: Queue::default(),
            capability: None,
            waiting: if standing.open.is_some() { Waiting::Outcome } else { Waiting::Nothing },
            end: None,
            at: standing.at,
            unkept: 0,
            version: standing.version,
            next_trigger: standing.next_trigger,
            decided_before: standing.decided_before,
            last_look: None,
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

    /// Keeps where the policy stands while it waits for the outcome of its decision.
    pub(super) fn wait(&mut self, decided: &Decided) {
        self.waiting = Waiting::Outcome;
        self.keep_standing(Some(decided.clone()));
    }

    pub(super) fn keep_standing(&mut self, open: Option<Decided>) {
        let standing = self.standing(open);
        (self.keep)(standing);
        self.unkept = 0;
    }

    /// The last decision does not count.
    pub(super) fn take_back_number(&mut self) {
        self.next_trigger -= 1;
    }

    /// The version that is asked.
    pub(super) fn version(&self) -> Option<u64> {
        self.version
    }

    /// The next change to be shown, if the policy waits for nothing and may be shown more now.
    pub(super) fn next(&mut self) -> Option<Position> {
        if self.waiting != Waiting::Nothing || self.quantum == 0 {
            return None;
        }
        self.skip();
        self.changes.rest().first().map(|change| change.at)
    }

    /// Asks another version from here on, and shows no changes from `end` on.
    pub(super) fn ask_until(&mut self, version: Option<u64>, end: Option<Position>) {
        self.end = end;
        if self.version != version {
            self.version = version;
            // what it keeps of answers, but does not save, is of the version before.
            let saved = self.trigger.save();
            self.trigger.load(&saved).expect("the policy saved it");
        }
    }

    /// Goes on until the policy decides, has to wait, has seen enough, or has seen all.
    pub(super) fn step(&mut self) -> Option<Made> {
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
                Step::Looked(look) => {
                    self.pass(covered);
                    self.looked(asked, false, look);
                }
                Step::Ask(question) => {
                    self.pass(covered);
                    self.ask(asked, question);
                }
                Step::Decide(decision) => return Some(self.decided(asked, decision, covered)),
            }
        }
    }

    /// Shows changes up to the first that the policy has something to say to: what it says, and how
    /// many changes are seen with it; nothing if there is none to be shown.
    fn show(&mut self) -> Option<(Asked, usize, Step)> {
        self.skip();
        self.keep_now_and_then();
        let rest = self.changes.rest();
        let due = rest.partition_point(|change| self.end.is_none_or(|end| change.at < end));
        let shown = whole(&rest[..due], self.quantum);
        let last = shown.last()?.at;
        let (passed, step) = self.trigger.observe_all(shown);
        let since = (self.clock)();
        let at = shown.get(passed).map(|change| change.at);
        self.pass(passed);
        let before = matches!(&step, Step::Decide(decision) if decision.cut == Cut::Before);
        let covered = usize::from(at.is_some() && !before);
        let (position, decided_before) = (at.unwrap_or(last), self.decided_before);
        Some((Asked { position, decided_before, version: None, since }, covered, step))
    }

    fn ask(&mut self, asked: Asked, question: Question) {
        let (position, version) = (asked.position, self.version);
        // of several questions the first says when it began.
        self.waiting = Waiting::Answer(Asked { version, ..asked });
        self.service.ask(Asker { position, version, question });
    }

    fn looked(&mut self, asked: Asked, decides: bool, look: Look) {
        let Asked { position, version, since, .. } = asked;
        let (trigger, seconds) = (self.next_trigger, (self.clock)() - since);
        let before = self.last_look.filter(|(last, _)| *last == (trigger, position));
        let number = before.map_or(0, |(_, number)| number + 1);
        self.last_look = Some(((trigger, position), number));
        (self.tell)(Looked { position, trigger, number, decides, version, look, seconds });
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
            self.keep_standing(None);
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

    /// Numbers a decision, and passes what it `covered` of the changes to be shown.
    fn decided(&mut self, asked: Asked, decision: Decision, covered: usize) -> Made {
        let Asked { position, decided_before, .. } = asked;
        if let Some(look) = &decision.look {
            self.looked(asked, true, look.clone());
        }
        let capability = self.capability.as_mut().expect("changes are pending");
        capability.downgrade(&position);
        let capability = capability.clone();
        let decided = Decided {
            trigger: self.next_trigger,
            position,
            cut: decision.cut,
            decided_before,
            reason: decision.reason,
        };
        self.next_trigger += 1;
        self.pass(covered);
        let shown = self.at > position;
        self.decided_before = if shown { 0 } else { self.decided_before + 1 };
        Made { capability, decided, look: decision.look }
    }

    /// Lets go of what was shown; whether there is more to do at once.
    pub(super) fn downgrade(&mut self) -> bool {
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
