//! The activators of an operator.

use timely::dataflow::operators::generic::OperatorInfo;
use timely::scheduling::{Activator, SyncActivator};
use timely::worker::Worker;

/// Activators of an operator: one for its own thread, and one for other threads.
pub(super) fn activators(worker: &Worker, info: &OperatorInfo) -> (Activator, SyncActivator) {
    (worker.activator_for(info.address.clone()), worker.sync_activator_for(info.address.to_vec()))
}
