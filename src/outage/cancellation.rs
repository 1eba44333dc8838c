//! A token that tells waiting parts of a job to give up.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::Outages;

/// A request that all waiting parts give up, and the list of what they wait for; clones share both.
#[derive(Clone, Debug, Default)]
pub struct CancellationToken {
    raised: Arc<(Mutex<bool>, Condvar)>,
    outages: Outages,
}

impl CancellationToken {
    /// A token of its own that shares the list of outages with another.
    pub fn sharing(outages: &Outages) -> Self {
        Self { outages: outages.clone(), ..Self::default() }
    }

    /// Requests that all give up.
    pub fn raise(&self) {
        let (raised, wake) = &*self.raised;
        *raised.lock().unwrap_or_else(PoisonError::into_inner) = true;
        wake.notify_all();
    }

    /// Whether all are to give up.
    pub fn raised(&self) -> bool {
        *self.raised.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for `time`, or until all are to give up; whether they are.
    pub fn wait(&self, time: Duration) -> bool {
        let (raised, wake) = &*self.raised;
        let raised = raised.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = wake.wait_timeout_while(raised, time, |raised| !*raised);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// The list of outages.
    pub fn outages(&self) -> &Outages {
        &self.outages
    }
}
