//! The reasons for the end of a job, and the steps of a job that was asked to end.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::interrupt::GRACE;
use crate::job::Interrupt;
use crate::job::coordinator::main_loop::Coordinator;

/// The reason for the end of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// The stream ended.
    Complete,
    /// The job was asked to end gently, as services are.
    Stopped,
    /// The job was asked to end at once.
    Interrupted,
}

impl End {
    /// The reason for the end of a job that did not fail; none if the run has `grown` and must be opened
    /// again.
    pub(in crate::job) fn of(interrupt: &Interrupt, grown: bool) -> Option<Self> {
        if !interrupt.requested() {
            return (!grown).then_some(Self::Complete);
        }
        Some(if interrupt.gently() { Self::Stopped } else { Self::Interrupted })
    }
}

/// The steps of a job that was asked to end.
#[derive(Default)]
pub(in crate::job) struct Stopping {
    asked: Option<Instant>,
    stopped: Option<Instant>,
}

impl Stopping {
    /// Does the next step. Returns false when there is nothing more to wait for.
    pub(in crate::job) fn proceed(&mut self, job: &Coordinator, interrupt: &Interrupt) -> bool {
        let (requested, gently) = (interrupt.requested(), interrupt.gently());
        if !requested && !job.context.grown() {
            return true;
        }
        let asked = *self.asked.get_or_insert_with(Instant::now);
        let grace = job.context.pipeline.shutdown.grace.millis().unsigned_abs();
        let patient = gently && asked.elapsed() < Duration::from_millis(grace);
        // new partitions are not urgent; the next attempt publishes the rest.
        let unpublished = requested && job.recorder.publisher.pending() > 0;
        if (patient || !requested) && (job.winding_down() || unpublished) {
            return true;
        }
        if self.stopped.is_none() {
            job.stop();
        }
        // a part that hangs outside, for example in a sink, is abandoned.
        let hangs = self.stopped.get_or_insert_with(Instant::now).elapsed() > GRACE;
        if hangs {
            match job.recorder.publisher.pending() {
                0 => tracing::warn!("not all parts of the job could be stopped"),
                left => tracing::warn!("{left} versions could not be published yet"),
            }
        }
        !hangs
    }
}
