//! Batches, gathered while the one before computes.

use std::panic::resume_unwind;
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};
use driftmill_datasets::Values;
use driftmill_operators::Id;

use super::{Rows, TrainError};
use crate::model::InputScale;

/// Batches that wait for the device; one would do if gathering took always equally long.
const AHEAD: usize = 2;

/// The scaled features of `ids`, in their order.
pub(super) fn gather(rows: &dyn Rows, ids: &[Id]) -> Result<Vec<f32>, TrainError> {
    let schema = rows.schema();
    let mut values = Values::new(schema.value);
    rows.gather(ids, &mut values)?;
    assert_eq!(values.len(), ids.len() * schema.width(), "rows of another number or width");
    Ok(InputScale::of(schema).apply_all(values))
}

/// Runs `produce` on a thread of its own and hands what it sends to `consume`.
///
/// A panic of either is thrown on; sending fails once `consume` is done.
pub(super) fn prefetch<T: Send, R>(
    produce: impl FnOnce(Sender<T>) + Send,
    consume: impl FnOnce(Receiver<T>) -> R,
) -> R {
    thread::scope(|scope| {
        let (sender, receiver) = bounded(AHEAD);
        let producer = scope.spawn(move || produce(sender));
        let result = consume(receiver);
        match producer.join() {
            Ok(()) => result,
            Err(payload) => resume_unwind(payload),
        }
    })
}
