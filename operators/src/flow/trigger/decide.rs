//! Shows ordered changes to a trigger policy and sends its decisions.

use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::generic::Operator;
use timely::scheduling::SyncActivator;

use super::evaluation::TriggerEvaluation;
use super::host::Host;
use super::hosted::HostedTrigger;
use super::waiting::FiredDecision;
use super::{CheckpointedDecision, ModelQuery, TriggerCheckpoint};
use crate::flow::activators::activators;
use crate::flow::clock::clock;
use crate::flow::routing::to_first;
use crate::flow::{Ordered, Service};
use crate::trigger::Outcome;
use crate::{Matrix, Position};

/// Extension trait for deciding when to train.
pub trait Decide<'scope>: Into<Ordered<'scope>> {
    /// Shows every change to a policy, in order, and sends its decisions, each with the checkpoint of the policy.
    ///
    /// The stream must be ordered and complete on the first worker
    /// ([`order_all`](crate::flow::OrderAll::order_all)). Changes before the policy's checkpoint are not
    /// shown. A decision that is open in the checkpoint is sent again. After a decision no change is shown
    /// until its outcome has arrived through `outcomes`. After a question no change is shown until the
    /// service has answered. A frontier p of the output means that all changes before p were shown and that
    /// no further decision follows from them.
    fn decide<S, K, L>(
        self,
        outcomes: StreamVec<'scope, Position, Outcome>,
        start: impl FnOnce(SyncActivator) -> HostedTrigger<S, K, L> + 'static,
    ) -> StreamVec<'scope, Position, CheckpointedDecision>
    where
        S: Service<ModelQuery, Matrix> + 'static,
        K: FnMut(TriggerCheckpoint) + 'static,
        L: FnMut(TriggerEvaluation) + 'static,
    {
        type Batches = CapacityContainerBuilder<Vec<CheckpointedDecision>>;
        let changes: Ordered<'scope> = self.into();
        let scope = changes.scope();
        let first = scope.worker().index() == 0;
        changes.binary::<_, Batches, _, _, _, _>(
            outcomes,
            Pipeline,
            to_first(),
            "Decide",
            move |capability, info| {
                let (wake, remote_wake) = activators(scope.worker(), &info);
                let (mut host, open) = Host::new(start(remote_wake), clock(scope.worker()));
                // the open decision of the checkpoint is sent again, once.
                let mut again = open
                    .filter(|_| first)
                    .map(|open| (capability.delayed(&open.decision.position), open));
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
                    while let Some(FiredDecision { capability, decision, .. }) = host.step() {
                        let checkpoint = host.wait(&decision);
                        output
                            .session(&capability)
                            .give(CheckpointedDecision { decision, checkpoint });
                    }
                    if host.downgrade() {
                        wake.activate();
                    }
                }
            },
        )
    }
}

impl<'scope> Decide<'scope> for Ordered<'scope> {}
