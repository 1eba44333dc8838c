//! The steps of a job that was asked to end.

use std::time::{Duration, Instant};

use crate::job::Interrupt;
use crate::job::run::interrupt::GRACE;

/// What can be asked of a job that ends.
pub(in crate::job) trait Stoppable {
    /// Whether the run must be opened again, because its source has more partitions.
    fn has_grown(&self) -> bool;

    /// The time that a gently stopped job gives a running training.
    fn grace(&self) -> Duration;

    /// Number of versions that are not published yet.
    fn unpublished(&self) -> usize;

    /// Starts nothing new from now on. Returns whether an earlier training still runs.
    fn winding_down(&self) -> bool;

    /// Stops all workers and processes.
    fn stop(&self);
}

/// The steps of a job that was asked to end.
#[derive(Default)]
pub(in crate::job) struct Stopping {
    asked: Option<Instant>,
    stopped: Option<Instant>,
}

impl Stopping {
    /// Does the next step. Returns false when there is nothing more to wait for.
    pub(in crate::job) fn proceed(&mut self, job: &impl Stoppable, interrupt: &Interrupt) -> bool {
        let (requested, gently) = (interrupt.requested(), interrupt.gently());
        if !requested && !job.has_grown() {
            return true;
        }
        let asked = *self.asked.get_or_insert_with(Instant::now);
        let patient = gently && asked.elapsed() < job.grace();
        // new partitions are not urgent; the next attempt publishes the rest.
        let unpublished = requested && job.unpublished() > 0;
        if (patient || !requested) && (job.winding_down() || unpublished) {
            return true;
        }
        if self.stopped.is_none() {
            job.stop();
        }
        // a part that hangs outside, for example in a sink, is abandoned.
        let hangs = self.stopped.get_or_insert_with(Instant::now).elapsed() > GRACE;
        if hangs {
            match job.unpublished() {
                0 => tracing::warn!("not all parts of the job could be stopped"),
                left => tracing::warn!("{left} versions could not be published yet"),
            }
        }
        !hangs
    }
}
