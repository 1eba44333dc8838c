use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};

use super::{Context, Interrupt};
use crate::console::Progress;

/// How long an interrupted job may take to stop.
const GRACE: Duration = Duration::from_secs(5);

/// What was read is durable after so long, whatever is decided.
const PERSIST: Duration = Duration::from_secs(1);

/// Watches over running workers.
pub(super) struct Watch<'a> {
    pub(super) context: &'a Arc<Context>,
    pub(super) faults: Receiver<anyhow::Error>,
    pub(super) finished: Receiver<()>,
    pub(super) interrupt: &'a Interrupt,
}

impl Watch<'_> {
    /// Waits for the end; whether it was an interruption.
    pub(super) fn until_end(&self, show: bool) -> anyhow::Result<bool> {
        let mut progress = show.then(Progress::start);
        let mut interrupted: Option<Instant> = None;
        let mut persisted = Instant::now();
        let ended = loop {
            if let Ok(error) = self.faults.try_recv() {
                break Err(error);
            }
            match self.is_over() {
                Ok(false) => {}
                Ok(true) => break Ok(()),
                Err(error) => break Err(error),
            }
            if self.interrupt.requested() && interrupted.is_none() {
                interrupted = Some(Instant::now());
                self.stop();
            }
            // a part that hangs outside, as in a sink, is left behind.
            if interrupted.is_some_and(|since| since.elapsed() > GRACE) {
                self.leave_behind();
                break Ok(());
            }
            if persisted.elapsed() > PERSIST {
                self.context.persist()?;
                persisted = Instant::now();
            }
            if let Some(progress) = &mut progress {
                progress.show(&self.context.status);
            }
        };
        if let Some(progress) = progress {
            progress.finish();
        }
        if ended.is_err() {
            self.stop();
        }
        self.context.publisher.stop();
        let interrupted = interrupted.is_some();
        // an error on the last steps may arrive together with the end.
        match self.faults.try_recv() {
            Ok(error) if ended.is_ok() && !interrupted => Err(error),
            _ => ended.map(|()| interrupted),
        }
    }

    /// Whether the workers have ended, and all they made is where it belongs; takes a moment.
    fn is_over(&self) -> anyhow::Result<bool> {
        let moment = Duration::from_millis(50);
        if let Err(RecvTimeoutError::Timeout) = self.finished.recv_timeout(moment) {
            return Ok(false);
        }
        Ok(self.context.publisher.drain(moment) && self.context.dead_letters.sync(moment)?)
    }

    fn leave_behind(&self) {
        match self.context.publisher.pending() {
            0 => tracing::warn!("not all parts of the job could be stopped"),
            left => tracing::warn!("{left} versions could not be published yet"),
        }
    }

    fn stop(&self) {
        self.context.stop.store(true, Ordering::Relaxed);
        self.context.branches.iter().for_each(|branch| branch.runtime.stop());
    }
}
