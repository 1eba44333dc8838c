//! Shows ordered changes to a trigger policy that trains nothing.

use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::generic::Operator;
use timely::scheduling::SyncActivator;

use super::evaluation::TriggerEvaluation;
use super::host::Host;
use super::hosted::HostedTrigger;
use super::shadow_policy::shadowed;
use super::waiting::FiredDecision;
use super::{ModelQuery, ShadowDecision, TriggerCheckpoint};
use crate::flow::activators::activators;
use crate::flow::clock::clock;
use crate::flow::routing::to_first;
use crate::flow::versions::Versions;
use crate::flow::{Ordered, Service};
use crate::trigger::{Outcome, Phase};
use crate::{Matrix, Position};

/// A policy that trains nothing, with its service and its receivers.
pub struct HostedShadow<S, K, L, F> {
    /// The policy and its surroundings, as for a policy that trains. No checkpoint contains an open
    /// decision, and the policy in it is that of [`shadowed`].
    pub hosted: HostedTrigger<S, K, L>,
    /// The positions at which earlier versions took effect, in order.
    pub versions: Vec<(Position, u64)>,
    /// Receives each decision of the policy, before the checkpoint that follows it.
    pub on_decision: F,
}

/// Extension trait for policies that train nothing.
pub trait Shadow<'scope>: Into<Ordered<'scope>> {
    /// Shows every change to a policy, in order, and reports the positions at which it would have trained.
    ///
    /// The stream must be ordered and complete on the first worker
    /// ([`order_all`](crate::flow::OrderAll::order_all)). `outcomes` are those of the branch that trains. A
    /// frontier p of `outcomes` must mean that every decision before p has its outcome. A change is shown
    /// when this frontier has passed it. Questions are therefore answered by the version that is active at
    /// the change that causes them. When another version takes effect, the policy loses cached answers that
    /// are not part of its state.
    ///
    /// When the policy fires, a training is reported to it at once. This training took no time and trained
    /// the active version on the samples since the last decision. A warm-up that continues because there is
    /// no version yet fires once. The output is empty. A frontier p of the output means that all changes
    /// before p were shown and that no further decision follows from them.
    fn shadow<S, K, L, F>(
        self,
        outcomes: StreamVec<'scope, Position, Outcome>,
        start: impl FnOnce(SyncActivator) -> HostedShadow<S, K, L, F> + 'static,
    ) -> StreamVec<'scope, Position, ()>
    where
        S: Service<ModelQuery, Matrix> + 'static,
        K: FnMut(TriggerCheckpoint) + 'static,
        L: FnMut(TriggerEvaluation) + 'static,
        F: FnMut(ShadowDecision) + 'static,
    {
        type Batches = CapacityContainerBuilder<Vec<()>>;
        let changes: Ordered<'scope> = self.into();
        let scope = changes.scope();
        changes.binary_frontier::<_, Batches, _, _, _, _>(
            outcomes,
            Pipeline,
            to_first(),
            "Shadow",
            move |_capability, info| {
                let (wake, remote_wake) = activators(scope.worker(), &info);
                let HostedShadow { mut hosted, versions, mut on_decision } = start(remote_wake);
                hosted.trigger = shadowed(hosted.trigger);
                let (mut host, _) = Host::new(hosted, clock(scope.worker()));
                let mut versions = Versions::from(versions);
                move |(changes, _), (outcomes, decided), output| {
                    outcomes.for_each(|_, batch| {
                        batch.drain(..).for_each(|outcome| versions.trained(&outcome));
                    });
                    changes.for_each(|stamp, batch| {
                        if let Some(capability) = stamp.retain_least(output.output_index()) {
                            host.push(capability, std::mem::take(batch));
                        }
                    });
                    step(
                        &mut host,
                        &versions,
                        decided.frontier().first().copied(),
                        &mut on_decision,
                    );
                    if host.downgrade() {
                        wake.activate();
                    }
                }
            },
        )
    }
}

impl<'scope> Shadow<'scope> for Ordered<'scope> {}

/// Shows changes before `frontier`, of one version after another, and reports outcomes of decisions at
/// once.
fn step<S, K, L>(
    host: &mut Host<S, K, L>,
    versions: &Versions,
    frontier: Option<Position>,
    on_decision: &mut impl FnMut(ShadowDecision),
) where
    S: Service<ModelQuery, Matrix>,
    K: FnMut(TriggerCheckpoint),
    L: FnMut(TriggerEvaluation),
{
    loop {
        let next = host.next();
        let due = next.filter(|at| frontier.is_none_or(|frontier| *at < frontier));
        match (next, due) {
            (_, Some(at)) => {
                let (version, until) = versions.active(at);
                let end = until.into_iter().chain(frontier).min();
                host.ask_until(version, end);
            }
            (Some(_), None) => return,
            (None, None) => {}
        }
        match host.step() {
            Some(FiredDecision { decision, measurement, phase, .. }) => {
                let (trigger, end, version) = (decision.trigger, decision.end(), host.version());
                if phase == Phase::ContinuedWarmUp {
                    host.reuse_number();
                } else {
                    on_decision(ShadowDecision {
                        number: trigger,
                        position: decision.position,
                        cut: decision.cut,
                        version,
                        reason: decision.reason,
                        measurement,
                    });
                }
                host.trained(&Outcome { version, ..Outcome::failed(trigger, end) });
                host.report_checkpoint();
            }
            None if host.next().is_none() => return,
            None => {}
        }
    }
}
