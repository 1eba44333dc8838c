//! Scores every labelled sample by the model that was active before it.

use std::collections::VecDeque;

use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::Operator;
use timely::dataflow::operators::vec::Broadcast;
use timely::scheduling::SyncActivator;

use super::scores::{Evaluated, Scored, Scores, ToScore};
use super::unscored::Unscored;
use crate::Position;
use crate::flow::service::Start;
use crate::flow::{Ordered, Service};
use crate::trigger::Outcome;

/// Extension trait for prequential evaluation.
pub trait Evaluate<'scope>: Into<Ordered<'scope>> {
    /// Scores every labelled sample with the newest version that took effect before it. The label may
    /// arrive later. A corrected label retracts the earlier score.
    ///
    /// A later replacement or deletion of the sample does not change its score.
    ///
    /// The stream must be ordered ([`order`](crate::flow::Order::order)). Samples that are scored according
    /// to `start` are not scored again. A frontier p of the output means that every sample before p is
    /// scored.
    fn evaluate<S>(
        self,
        outcomes: StreamVec<'scope, Position, Outcome>,
        start: Evaluated,
        service: impl FnOnce(SyncActivator) -> S + 'static,
    ) -> StreamVec<'scope, Position, Scores>
    where
        S: Service<ToScore, Vec<Scored>> + 'static,
    {
        type Batches = CapacityContainerBuilder<Vec<Scores>>;
        let changes: Ordered<'scope> = self.into();
        let scope = changes.scope();
        let worker = scope.worker().index();
        let service: Start<S> = Box::new(service);
        changes.binary_frontier::<_, Batches, _, _, _, _>(
            outcomes.broadcast(),
            Pipeline,
            Pipeline,
            "Evaluate",
            move |_capability, info| {
                let mut service = service(scope.worker().sync_activator_for(info.address.to_vec()));
                let versions = start.versions.into();
                let mut unscored = Unscored { until: start.until, versions, ..Unscored::default() };
                let mut open: VecDeque<(Capability<Position>, Option<Position>)> = VecDeque::new();
                let mut gathered = Vec::new();
                move |(changes, _), (outcomes, decided), output| {
                    outcomes.for_each(|_, batch| {
                        batch.drain(..).for_each(|outcome| unscored.versions.trained(&outcome));
                    });
                    changes.for_each(|stamp, batch| {
                        if let Some(capability) = stamp.retain_least(output.output_index()) {
                            unscored.capability.get_or_insert(capability);
                            unscored.changes.push(std::mem::take(batch));
                        }
                    });
                    loop {
                        // samples that arrived while the service was busy are one request.
                        let idle = open.is_empty();
                        if idle
                            && let Some((capability, requests, until)) =
                                unscored.next_before(decided.frontier().first().copied())
                        {
                            let last = requests.len() - 1;
                            for (number, request) in requests.into_iter().enumerate() {
                                let until = (number == last).then_some(until);
                                open.push_back((capability.clone(), until));
                                service.ask(request);
                            }
                        }
                        let Some(sums) = service.poll() else { break };
                        let (capability, until) =
                            open.pop_front().expect("answers follow requests");
                        gathered.extend(sums);
                        // the scores of all versions before a frontier count together.
                        if let Some(until) = until {
                            let sums = std::mem::take(&mut gathered);
                            output.session(&capability).give(Scores { worker, until, sums });
                        }
                    }
                }
            },
        )
    }
}

impl<'scope> Evaluate<'scope> for Ordered<'scope> {}
