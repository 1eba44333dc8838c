//! A token that cancels the waits of all parts of a job.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::Outages;

/// A request that cancels all waits, and the list of outages. Clones share both.
#[derive(Clone, Debug, Default)]
pub struct CancellationToken {
    raised: Arc<(Mutex<bool>, Condvar)>,
    outages: Outages,
}

impl CancellationToken {
    /// Creates a separate token that shares the list of outages with another.
    pub fn sharing(outages: &Outages) -> Self {
        Self { outages: outages.clone(), ..Self::default() }
    }

    /// Cancels all waits.
    pub fn raise(&self) {
        let (raised, wake) = &*self.raised;
        *raised.lock() = true;
        wake.notify_all();
    }

    /// Whether all waits are cancelled.
    pub fn raised(&self) -> bool {
        *self.raised.0.lock()
    }

    /// Waits for `time` or until waits are cancelled. Returns whether they are.
    pub fn wait(&self, time: Duration) -> bool {
        let (raised, wake) = &*self.raised;
        let mut raised = raised.lock();
        wake.wait_while_for(&mut raised, |raised| !*raised, time);
        *raised
    }

    /// The list of outages.
    pub fn outages(&self) -> &Outages {
        &self.outages
    }
}
