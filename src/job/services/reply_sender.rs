//! The channel from a service to the operator that sent a request.

use crossbeam_channel::{Receiver, Sender, unbounded};
use timely::scheduling::SyncActivator;

/// Sends answers to an operator, and wakes it.
#[derive(Clone)]
pub(in crate::job) struct ReplySender<T> {
    send: Sender<T>,
    wake: SyncActivator,
}

impl<T> ReplySender<T> {
    /// Creates a channel to the operator that `wake` activates, and its receiver.
    pub(in crate::job) fn to(wake: SyncActivator) -> (Self, Receiver<T>) {
        let (send, answers) = unbounded();
        (Self { send, wake }, answers)
    }

    /// Sends an answer. The operator may have ended because the job was stopped.
    pub(in crate::job) fn give(&self, answer: T) {
        drop((self.send.send(answer), self.wake.activate()));
    }
}
