//! Prefetching of batches while the previous batch is computed.

use std::panic::resume_unwind;
use std::thread;

use crossbeam_channel::{Sender, bounded};
use driftmill_datasets::Values;
use driftmill_operators::Id;

use crate::failpoint::Failpoint;
use crate::model::InputScale;
use crate::panics;
use crate::train::{FeatureStore, TrainError};

/// Number of groups that wait for the device. One would be enough if gathering always took equally long.
const AHEAD: usize = 2;

/// Number of values from which on a group is passed on. Waking a thread costs more than a step on a batch
/// of a few kilobytes.
const GROUP: usize = 64 * 1024;

/// Gathers the scaled features of `ids`, in this order.
pub(in crate::train) fn gather(
    features: &dyn FeatureStore,
    ids: &[Id],
) -> Result<Vec<f32>, TrainError> {
    let schema = features.schema();
    let mut values = Values::new(schema.value);
    features.gather(ids, &mut values)?;
    assert_eq!(values.len(), ids.len() * schema.width(), "rows of another number or width");
    Ok(InputScale::of(schema).apply_all(values))
}

/// The queue of batches that wait for the device. Small batches are grouped.
pub(in crate::train) struct Prefetched<T> {
    sender: Sender<Vec<T>>,
    group: Vec<T>,
    values: usize,
}

impl<T> Prefetched<T> {
    /// Queues a batch with this number of values. Returns false if the receiver has stopped.
    pub(in crate::train) fn push(&mut self, batch: T, values: usize) -> bool {
        self.group.push(batch);
        self.values += values;
        self.values < GROUP || self.flush()
    }

    fn flush(&mut self) -> bool {
        self.values = 0;
        self.sender.send(std::mem::take(&mut self.group)).is_ok()
    }
}

/// Runs `produce` on a separate thread and passes its batches to `consume`.
///
/// A panic of either is rethrown. Pushing fails after `consume` has ended.
pub(in crate::train) fn prefetch<T: Send, R>(
    produce: impl FnOnce(&mut Prefetched<T>) + Send,
    consume: impl FnOnce(&mut dyn Iterator<Item = T>) -> R,
) -> R {
    thread::scope(|scope| {
        let (sender, receiver) = bounded(AHEAD);
        let producer = scope.spawn(move || {
            let mut ahead = Prefetched { sender, group: Vec::new(), values: 0 };
            panics::forward(|| {
                Failpoint::TrainingPrefetch.reach();
                produce(&mut ahead);
                ahead.flush();
            });
        });
        let result = consume(&mut receiver.into_iter().flatten());
        match producer.join() {
            Ok(()) => result,
            Err(payload) => resume_unwind(payload),
        }
    })
}
