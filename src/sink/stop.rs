use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// A wish that all who wait give up; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<(Mutex<bool>, Condvar)>);

impl Stop {
    /// Asks all to give up.
    pub fn raise(&self) {
        let (raised, wake) = &*self.0;
        *raised.lock().unwrap_or_else(PoisonError::into_inner) = true;
        wake.notify_all();
    }

    /// Whether all are to give up.
    pub fn raised(&self) -> bool {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for `time`, or until all are to give up; whether they are.
    pub fn wait(&self, time: Duration) -> bool {
        let (raised, wake) = &*self.0;
        let raised = raised.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = wake.wait_timeout_while(raised, time, |raised| !*raised);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}
