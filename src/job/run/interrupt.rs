//! A request to end a job before its stream ends.

use std::sync::atomic::{AtomicBool, Ordering};

/// A wish to end a job before its stream does.
#[derive(Debug, Default)]
pub struct Interrupt {
    requested: AtomicBool,
    gently: AtomicBool,
    heard: AtomicBool,
}

impl Interrupt {
    /// Asks the job to end; whether it listens, for the first time: else nobody will end it.
    ///
    /// `gently` gives a training that runs the time of `shutdown.grace`.
    pub fn request(&self, gently: bool) -> bool {
        self.gently.store(gently, Ordering::Relaxed);
        let first = !self.requested.swap(true, Ordering::Relaxed);
        first && self.heard.load(Ordering::Relaxed)
    }

    /// The job listens from now on.
    pub(in crate::job) fn listen(&self) {
        self.heard.store(true, Ordering::Relaxed);
    }

    /// Whether the job was asked to end.
    pub(in crate::job) fn requested(&self) -> bool {
        self.requested.load(Ordering::Relaxed)
    }

    /// Whether a running training may finish within the grace period.
    pub(in crate::job) fn gently(&self) -> bool {
        self.gently.load(Ordering::Relaxed)
    }
}
