use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};

use super::{Context, Interrupt};
use crate::console::Progress;

/// Why a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The stream came to its end.
    Complete,
    /// It was asked to end gently, as services are.
    Stopped,
    /// It was asked to end at once.
    Interrupted,
}

/// How long an interrupted job may take to stop.
const GRACE: Duration = Duration::from_secs(5);

/// What was read is durable after so long, whatever is decided.
const PERSIST: Duration = Duration::from_secs(1);

/// How often it is looked what need not be retained any more.
const RETAIN: Duration = Duration::from_secs(5);

/// Watches over running workers.
pub(super) struct Watch<'a> {
    pub(super) context: &'a Context,
    pub(super) faults: Receiver<anyhow::Error>,
    pub(super) finished: Receiver<()>,
    pub(super) interrupt: &'a Interrupt,
}

impl Watch<'_> {
    /// Waits for the end, and says why it came.
    pub(super) fn until_end(&self, show: bool) -> anyhow::Result<End> {
        let mut progress = show.then(Progress::start);
        let mut stopping = Stopping::default();
        let (mut persisted, mut retained) = (Instant::now(), Instant::now());
        let ended = loop {
            if let Ok(error) = self.faults.try_recv() {
                break Err(error);
            }
            match self.is_over() {
                Ok(false) if stopping.go_on(self) => {}
                Ok(_) => break Ok(()),
                Err(error) => break Err(error),
            }
            if persisted.elapsed() > PERSIST {
                self.context.persist()?;
                persisted = Instant::now();
            }
            if retained.elapsed() > RETAIN {
                self.context.retain()?;
                retained = Instant::now();
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
            // whoever starts the next run on this state finds nobody who still writes.
            let _left_behind = self.finished.recv_timeout(GRACE);
        }
        self.context.publisher.stop();
        let end = match (self.interrupt.requested(), self.interrupt.gently()) {
            (false, _) => End::Complete,
            (true, true) => End::Stopped,
            (true, false) => End::Interrupted,
        };
        // an error on the last steps may arrive together with the end.
        match self.faults.try_recv() {
            Ok(error) if ended.is_ok() && end == End::Complete => Err(error),
            _ => ended.map(|()| end),
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

/// The end of a job that was asked to end.
#[derive(Default)]
struct Stopping {
    asked: Option<Instant>,
    stopped: Option<Instant>,
}

impl Stopping {
    /// Does what is due; false when nothing more is waited for.
    fn go_on(&mut self, watch: &Watch<'_>) -> bool {
        if !watch.interrupt.requested() {
            return true;
        }
        let asked = *self.asked.get_or_insert_with(Instant::now);
        let grace = watch.context.pipeline.shutdown.grace.millis().unsigned_abs();
        let patient = watch.interrupt.gently() && asked.elapsed() < Duration::from_millis(grace);
        if patient && watch.context.winds_down() {
            return true;
        }
        if self.stopped.is_none() {
            watch.stop();
        }
        // a part that hangs outside, as in a sink, is left behind.
        let hangs = self.stopped.get_or_insert_with(Instant::now).elapsed() > GRACE;
        if hangs {
            watch.leave_behind();
        }
        !hangs
    }
}
