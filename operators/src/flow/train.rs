//! Sends training sets to the trainer and their outcomes downstream.

use std::collections::VecDeque;

use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::Operator;
use timely::scheduling::SyncActivator;

use super::TrainingRequest;
use super::service::{Service, Start};
use crate::Position;
use crate::flow::routing::to_first;
use crate::trigger::Outcome;

/// Extension trait for training.
pub trait Train<'scope> {
    /// Trains on the set of each request, in order, on the first worker.
    ///
    /// A frontier p of the output means that every decision before p has its outcome.
    fn train<S>(
        self,
        service: impl FnOnce(SyncActivator) -> S + 'static,
    ) -> StreamVec<'scope, Position, Outcome>
    where
        S: Service<TrainingRequest, Outcome> + 'static;
}

impl<'scope> Train<'scope> for StreamVec<'scope, Position, TrainingRequest> {
    fn train<S>(
        self,
        service: impl FnOnce(SyncActivator) -> S + 'static,
    ) -> StreamVec<'scope, Position, Outcome>
    where
        S: Service<TrainingRequest, Outcome> + 'static,
    {
        type Batches = CapacityContainerBuilder<Vec<Outcome>>;
        let scope = self.scope();
        let start: Start<S> = Box::new(service);
        self.unary::<Batches, _, _, _>(to_first(), "Train", move |_capability, info| {
            let mut service = start(scope.worker().sync_activator_for(info.address.to_vec()));
            let mut open: VecDeque<Capability<Position>> = VecDeque::new();
            move |requests, output| {
                requests.for_each(|stamp, batch| {
                    for request in batch.drain(..) {
                        if let Some(capability) = stamp.retain_least(output.output_index()) {
                            open.push_back(capability);
                            service.ask(request);
                        }
                    }
                });
                while let Some(outcome) = service.poll() {
                    let capability = open.pop_front().expect("answers follow requests");
                    output.session(&capability).give(outcome);
                }
            }
        })
    }
}
