//! Hands training sets to the trainer and sends what became of them.

use std::collections::VecDeque;

use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::Operator;
use timely::scheduling::SyncActivator;

use super::service::{Service, Start};
use crate::Position;
use crate::flow::routing::to_first;
use crate::selection::TrainingSet;
use crate::trigger::Outcome;

/// Extension trait for training.
pub trait Train<'scope> {
    /// Trains on each set, in order, on the first worker.
    ///
    /// The output's frontier at p means: every decision before p has its outcome.
    fn train<S>(
        self,
        service: impl FnOnce(SyncActivator) -> S + 'static,
    ) -> StreamVec<'scope, Position, Outcome>
    where
        S: Service<TrainingSet, Outcome> + 'static;
}

impl<'scope> Train<'scope> for StreamVec<'scope, Position, TrainingSet> {
    fn train<S>(
        self,
        service: impl FnOnce(SyncActivator) -> S + 'static,
    ) -> StreamVec<'scope, Position, Outcome>
    where
        S: Service<TrainingSet, Outcome> + 'static,
    {
        type Batches = CapacityContainerBuilder<Vec<Outcome>>;
        let scope = self.scope();
        let start: Start<S> = Box::new(service);
        self.unary::<Batches, _, _, _>(to_first(), "Train", move |_capability, info| {
            let mut service = start(scope.worker().sync_activator_for(info.address.to_vec()));
            let mut open: VecDeque<Capability<Position>> = VecDeque::new();
            move |sets, output| {
                sets.for_each(|stamp, batch| {
                    for set in batch.drain(..) {
                        if let Some(capability) = stamp.retain_least(output.output_index()) {
                            open.push_back(capability);
                            service.ask(set);
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
