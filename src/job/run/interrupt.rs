//! A request to end a job before its stream ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Time limit for parts of a job to stop.
pub(in crate::job) const GRACE: Duration = Duration::from_secs(5);

/// A request to end a job before its stream ends; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    requested: AtomicBool,
    gently: AtomicBool,
    listened_to: AtomicBool,
}

impl Interrupt {
    /// Asks the job to end. Returns true if this is the first request and the job handles requests. If it
    /// is false, nothing else will end the job.
    ///
    /// `gently` gives a running training the time of `shutdown.grace`.
    pub fn request(&self, gently: bool) -> bool {
        self.0.gently.store(gently, Ordering::Relaxed);
        let first = !self.0.requested.swap(true, Ordering::Relaxed);
        first && self.0.listened_to.load(Ordering::Relaxed)
    }

    /// Records that the job handles requests from now on.
    pub(in crate::job) fn listen(&self) {
        self.0.listened_to.store(true, Ordering::Relaxed);
    }

    /// Whether the job was asked to end.
    pub fn requested(&self) -> bool {
        self.0.requested.load(Ordering::Relaxed)
    }

    /// Whether a running training may finish within the grace period.
    pub(in crate::job) fn gently(&self) -> bool {
        self.0.gently.load(Ordering::Relaxed)
    }
}
