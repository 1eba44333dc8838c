//! Shows ordered changes to a trigger policy.

use serde::{Deserialize, Serialize};
use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::{Exchange, Pipeline};
use timely::dataflow::operators::generic::Operator;
use timely::scheduling::SyncActivator;

use super::Ordered;
use super::asked::Made;
use super::deciding::Host;
use super::looked::{Looked, clock};
use super::service::{Asker, Service};
use crate::trigger::{Cut, Outcome, Reason, Trigger};
use crate::{Matrix, Position};

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

/// Where a trigger policy stands: from here it goes on as if it had never stopped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// It has observed the changes before this position.
    pub at: Position,
    /// Decisions caused by the change at this position.
    pub decided_before: u32,
    /// The number of its next decision.
    pub next_trigger: u64,
    /// The newest version it knows of.
    pub version: Option<u64>,
    /// The decision whose outcome it waits for.
    pub open: Option<Decided>,
    /// Its state.
    pub policy: Vec<u8>,
}

/// A trigger policy with what it needs from outside.
pub struct Deciding<S, K, L> {
    /// The policy, in its initial state or in that of `standing`.
    pub trigger: Box<dyn Trigger>,
    /// Where it stands (default: it has seen nothing).
    pub standing: Option<Standing>,
    /// Answers its questions.
    pub service: S,
    /// Is told where the policy stands: at each decision, before the decision is sent, and between
    /// decisions after every `every` changes.
    pub keep: K,
    /// Changes between two calls of `keep`.
    pub every: u64,
    /// Is told what the policy saw whenever it looked; of a decision before `keep` is told of it.
    pub tell: L,
}

/// Extension trait for deciding when to train.
pub trait Decide<'scope> {
    /// Shows every change to a policy, in order, and sends what it decides.
    ///
    /// The stream must be ordered and complete on the first worker
    /// ([`order_all`](super::OrderAll::order_all)). Changes before the policy's standing are not
    /// shown; a decision that is open there is sent again. After a decision no change is shown
    /// until its outcome has come back through `outcomes`; after a question, until the service has
    /// answered. The output's frontier at p means: all changes before p were shown, and decide no
    /// more.
    fn decide<S, K, L>(
        self,
        outcomes: StreamVec<'scope, Position, Outcome>,
        start: impl FnOnce(SyncActivator) -> Deciding<S, K, L> + 'static,
    ) -> StreamVec<'scope, Position, Decided>
    where
        S: Service<Asker, Matrix> + 'static,
        K: FnMut(Standing) + 'static,
        L: FnMut(Looked) + 'static;
}

impl<'scope> Decide<'scope> for Ordered<'scope> {
    fn decide<S, K, L>(
        self,
        outcomes: StreamVec<'scope, Position, Outcome>,
        start: impl FnOnce(SyncActivator) -> Deciding<S, K, L> + 'static,
    ) -> StreamVec<'scope, Position, Decided>
    where
        S: Service<Asker, Matrix> + 'static,
        K: FnMut(Standing) + 'static,
        L: FnMut(Looked) + 'static,
    {
        type Batches = CapacityContainerBuilder<Vec<Decided>>;
        let scope = self.scope();
        let first = scope.worker().index() == 0;
        let to_first = Exchange::new(|_: &Outcome| 0);
        self.binary::<_, Batches, _, _, _, _>(
            outcomes,
            Pipeline,
            to_first,
            "Decide",
            move |capability, info| {
                let wake = scope.activator_for(info.address.clone());
                let deciding = start(scope.worker().sync_activator_for(info.address.to_vec()));
                let (mut host, open) = Host::new(deciding, clock(scope.worker()));
                // what was decided before is sent again, once.
                let mut again =
                    open.filter(|_| first).map(|open| (capability.delayed(&open.position), open));
                drop(capability);
                move |changes, outcomes, output| {
                    if let Some((capability, open)) = again.take() {
                        output.session(&capability).give(open);
                    }
                    outcomes.for_each(|_, batch| {
                        batch.drain(..).for_each(|outcome| host.trained(&outcome));
                    });
                    changes.for_each(|stamp, batch| {
                        if let Some(capability) = stamp.retain_least(output.output_index()) {
                            host.push(capability, std::mem::take(batch));
                        }
                    });
                    while let Some(Made { capability, decided, .. }) = host.step() {
                        host.wait(&decided);
                        output.session(&capability).give(decided);
                    }
                    if host.downgrade() {
                        wake.activate();
                    }
                }
            },
        )
    }
}
