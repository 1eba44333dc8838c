//! Shows ordered changes to a trigger policy.

use serde::{Deserialize, Serialize};
use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::{Exchange, Pipeline};
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::Operator;

use super::Ordered;
use super::queue::Queue;
use super::service::{Asker, Service, Start};
use crate::trigger::{Cut, Decision, Outcome, Reason, Step, Trigger};
use crate::{Matrix, Position};

/// Most changes shown to the policy before other operators get a turn.
const QUANTUM: usize = 65_536;

/// A decision to train, with its place in the order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decided {
    /// Its number: 0, 1, 2, …
    pub trigger: u64,
    /// The change that caused it.
    pub position: Position,
    /// Whether it covers that change.
    pub cut: Cut,
    /// Decisions caused by that change before this one: with `position`, where to resume.
    pub decided_before: u32,
    /// Why.
    pub reason: Reason,
}

impl Decided {
    /// The first position that the decision does not cover; the model it leads to takes effect
    /// here.
    pub fn end(&self) -> Position {
        match self.cut {
            Cut::Before => self.position,
            Cut::After => self.position + 1,
        }
    }
}

/// Extension trait for deciding when to train.
pub trait Decide<'scope> {
    /// Shows every change to `trigger`, in order, and sends what it decides.
    ///
    /// The stream must be ordered and complete on the first worker
    /// ([`order_all`](super::OrderAll::order_all)). After a decision no change is shown until its
    /// outcome has come back through `outcomes`; after a question, until `service` has answered.
    /// The output's frontier at p means: all changes before p were shown, and decide no more.
    fn decide<S>(
        self,
        outcomes: StreamVec<'scope, Position, Outcome>,
        trigger: Box<dyn Trigger>,
        service: impl FnOnce(timely::scheduling::SyncActivator) -> S + 'static,
    ) -> StreamVec<'scope, Position, Decided>
    where
        S: Service<Asker, Matrix> + 'static;
}

impl<'scope> Decide<'scope> for Ordered<'scope> {
    fn decide<S>(
        self,
        outcomes: StreamVec<'scope, Position, Outcome>,
        trigger: Box<dyn Trigger>,
        service: impl FnOnce(timely::scheduling::SyncActivator) -> S + 'static,
    ) -> StreamVec<'scope, Position, Decided>
    where
        S: Service<Asker, Matrix> + 'static,
    {
        type Batches = CapacityContainerBuilder<Vec<Decided>>;
        let scope = self.scope();
        let start: Start<S> = Box::new(service);
        let to_first = Exchange::new(|_: &Outcome| 0);
        self.binary::<_, Batches, _, _, _, _>(
            outcomes,
            Pipeline,
            to_first,
            "Decide",
            move |_capability, info| {
                let wake = scope.activator_for(info.address.clone());
                let service = start(scope.worker().sync_activator_for(info.address.to_vec()));
                let mut host = Host::new(trigger, service);
                move |changes, outcomes, output| {
                    outcomes.for_each(|_, batch| {
                        batch.drain(..).for_each(|outcome| host.trained(&outcome));
                    });
                    changes.for_each(|stamp, batch| {
                        if let Some(capability) = stamp.retain_least(output.output_index()) {
                            host.capability.get_or_insert(capability);
                            host.changes.push(std::mem::take(batch));
                        }
                    });
                    while let Some(decided) = host.step() {
                        let capability = host.capability.as_ref().expect("changes are pending");
                        output.session(capability).give(decided);
                    }
                    if host.downgrade() {
                        wake.activate();
                    }
                }
            },
        )
    }
}

/// What the policy waits for.
#[derive(PartialEq)]
enum Waiting {
    Nothing,
    /// The answer to a question caused by the change at this position.
    Answer(Position),
    /// The outcome of the last decision.
    Outcome,
}

struct Host<S> {
    trigger: Box<dyn Trigger>,
    service: S,
    /// Changes to be shown.
    changes: Queue,
    /// Not after the first change to be shown.
    capability: Option<Capability<Position>>,
    waiting: Waiting,
    version: Option<u64>,
    next_trigger: u64,
    decided_before: u32,
    quantum: usize,
}

impl<S: Service<Asker, Matrix>> Host<S> {
    fn new(trigger: Box<dyn Trigger>, service: S) -> Self {
        Self {
            trigger,
            service,
            changes: Queue::default(),
            capability: None,
            waiting: Waiting::Nothing,
            version: None,
            next_trigger: 0,
            decided_before: 0,
            quantum: QUANTUM,
        }
    }

    fn trained(&mut self, outcome: &Outcome) {
        self.version = outcome.version.or(self.version);
        self.trigger.trained(outcome);
        self.waiting = Waiting::Nothing;
    }

    /// Goes on until the policy decides, has to wait, has seen enough, or has seen all.
    fn step(&mut self) -> Option<Decided> {
        if let Waiting::Answer(position) = self.waiting {
            let answer = self.service.poll()?;
            self.waiting = Waiting::Nothing;
            if let Some(decision) = self.trigger.answer(&answer).decision {
                return Some(self.decided(position, decision));
            }
        }
        while self.waiting == Waiting::Nothing {
            let rest = self.changes.rest();
            let shown = &rest[..rest.len().min(self.quantum)];
            if shown.is_empty() {
                break;
            }
            let (passed, step) = self.trigger.observe_all(shown);
            let at = shown.get(passed).map(|change| change.at);
            self.pass(passed);
            match (step, at) {
                (Step::Decide(decision), Some(at)) => {
                    let cut = decision.cut;
                    let decided = self.decided(at, decision);
                    if cut == Cut::After {
                        self.pass(1);
                    }
                    return Some(decided);
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

    /// The policy has seen the first changes.
    fn pass(&mut self, count: usize) {
        if count > 0 {
            self.changes.pass(count);
            self.quantum = self.quantum.saturating_sub(count);
            self.decided_before = 0;
        }
    }

    fn decided(&mut self, position: Position, decision: Decision) -> Decided {
        self.waiting = Waiting::Outcome;
        if let Some(capability) = &mut self.capability {
            capability.downgrade(&position);
        }
        let decided = Decided {
            trigger: self.next_trigger,
            position,
            cut: decision.cut,
            decided_before: self.decided_before,
            reason: decision.reason,
        };
        self.next_trigger += 1;
        self.decided_before += 1;
        decided
    }

    /// Lets go of what was shown; whether there is more to do at once.
    fn downgrade(&mut self) -> bool {
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
