//! Releases changes in the order of their positions, once the frontier has passed them.

mod pending;

use std::rc::Rc;

use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::{Exchange, ParallelizationContract, Pipeline};
use timely::dataflow::operators::generic::Operator;
use timely::dataflow::{Stream, StreamVec};

use self::pending::Pending;
use crate::{Change, Position};

/// Changes in the order of positions. All readers share the batches.
pub type Ordered<'scope> = Stream<'scope, Position, Rc<Vec<Change>>>;

/// Extension trait for putting changes in order.
pub trait Order<'scope> {
    /// Releases this worker's changes in the order of positions.
    ///
    /// A batch may have any time that is not after its changes. Its changes are released when the frontier
    /// has passed them, and do not depend on the cut of batches. A frontier p of the output means that
    /// every change of this worker before p has been released.
    fn order(self) -> Ordered<'scope>;
}

/// Extension trait for putting the changes of all workers in one order.
pub trait OrderAll<'scope> {
    /// Releases the changes of all workers in one order, on the first worker.
    fn order_all(self) -> Ordered<'scope>;
}

impl<'scope> Order<'scope> for StreamVec<'scope, Position, Change> {
    fn order(self) -> Ordered<'scope> {
        order_with(self, Pipeline, "Order")
    }
}

impl<'scope> OrderAll<'scope> for Ordered<'scope> {
    fn order_all(self) -> Ordered<'scope> {
        // the ordered changes of the only worker are those of all workers.
        if self.scope().worker().peers() == 1 {
            return self;
        }
        order_with(own(self), Exchange::new(|_: &Change| 0), "OrderAll")
    }
}

/// The changes as a stream of owned batches: batches for other workers cannot be shared.
pub(in crate::flow) fn own(changes: Ordered<'_>) -> StreamVec<'_, Position, Change> {
    type Batches = CapacityContainerBuilder<Vec<Change>>;
    changes.unary::<Batches, _, _, _>(Pipeline, "Own", |_capability, _info| {
        |input, output| {
            input.for_each(|stamp, batch| {
                let mut own = Rc::unwrap_or_clone(std::mem::take(batch));
                output.session(&stamp).give_container(&mut own);
            });
        }
    })
}

pub(in crate::flow) fn order_with<'scope, P>(
    changes: StreamVec<'scope, Position, Change>,
    pact: P,
    name: &str,
) -> Ordered<'scope>
where
    P: ParallelizationContract<Position, Vec<Change>>,
{
    type Batches = CapacityContainerBuilder<Rc<Vec<Change>>>;
    changes.unary_frontier::<Batches, _, _, _>(pact, name, |_capability, _info| {
        let mut pending = Pending::default();
        move |(input, frontier), output| {
            // stash each change until its time is complete.
            input.for_each(|stamp, batch| {
                if let Some(capability) = stamp.retain_least(output.output_index()) {
                    pending.insert(capability, std::mem::take(batch));
                }
            });

            // release complete times, in order.
            let frontier = frontier.frontier().first().copied();
            if let Some((capability, batch)) = pending.take_before(frontier) {
                output.session(&capability).give_container(&mut Rc::new(batch));
            }
        }
    })
}
