use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use serde::{Deserialize, Serialize};

use crate::console::Progress;
use crate::job::coordinator::protocol::CoordinatorRequest;
use crate::job::maintenance::tiering::Uploading;
use crate::job::{Context, Interrupt};
use crate::outage::is_full;

/// Why a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
pub(in crate::job) struct Watch<'a> {
    pub(in crate::job) context: &'a Arc<Context>,
    pub(in crate::job) faults: Receiver<anyhow::Error>,
    pub(in crate::job) finished: Receiver<()>,
    pub(in crate::job) interrupt: &'a Interrupt,
}

impl Watch<'_> {
    /// Waits for the end, and says why it came; for none the run is to be opened again.
    pub(in crate::job) fn until_end(&self, show: bool) -> anyhow::Result<Option<End>> {
        let mut progress = show.then(Progress::start);
        let mut stopping = Stopping::default();
        let (mut persisted, mut retained) = (Instant::now(), Instant::now());
        let mut uploading = Uploading::default();
        let ended = loop {
            if let Ok(error) = self.faults.try_recv() {
                break Err(error);
            }
            match self.is_over() {
                Ok(false) if stopping.go_on(self) => {}
                Ok(_) => break Ok(()),
                Err(error) => break Err(error),
            }
            if !self.interrupt.requested()
                && let Some(gently) = self.context.coordinator().peers.asked_to_stop()
            {
                self.interrupt.request(gently);
            }
            if persisted.elapsed() > PERSIST {
                if let Err(error) = self.context.persist() {
                    break Err(error);
                }
                persisted = Instant::now();
            }
            if retained.elapsed() > RETAIN {
                match self.context.retain() {
                    // what it would record can wait until there is room.
                    Err(error) if !is_full(error.as_ref()) => break Err(error),
                    _ => {}
                }
                if let Err(error) = uploading.go_on(self.context) {
                    break Err(error);
                }
                retained = Instant::now();
            }
            if let Some(progress) = &mut progress {
                progress.show(&self.context.status);
            }
        };
        if let Some(progress) = progress {
            progress.finish();
        }
        uploading.finish(GRACE);
        if ended.is_err() {
            self.context.stop();
            // whoever starts the next run on this state finds nobody who still writes; of several
            // processes each ends by itself.
            if self.context.cluster.is_single() {
                let _left_behind = self.finished.recv_timeout(GRACE);
            }
        }
        self.context.coordinator().publisher.stop();
        let end = match (self.interrupt.requested(), self.interrupt.gently()) {
            (false, _) if self.context.grown() => None,
            (false, _) => Some(End::Complete),
            (true, true) => Some(End::Stopped),
            (true, false) => Some(End::Interrupted),
        };
        // an error on the last steps may arrive together with the end.
        match self.faults.try_recv() {
            Ok(error) if ended.is_ok() && !self.interrupt.requested() => Err(error),
            _ => ended.map(|()| end),
        }
    }

    /// Whether the workers have ended, and all they made is where it belongs; takes a moment.
    fn is_over(&self) -> anyhow::Result<bool> {
        let moment = Duration::from_millis(50);
        if let Err(RecvTimeoutError::Timeout) = self.finished.recv_timeout(moment) {
            return Ok(false);
        }
        let coordinator = self.context.coordinator();
        Ok(coordinator.publisher.drain(moment) && coordinator.dead_letters.sync(moment)?)
    }

    fn leave_behind(&self) {
        match self.context.coordinator().publisher.pending() {
            0 => tracing::warn!("not all parts of the job could be stopped"),
            left => tracing::warn!("{left} versions could not be published yet"),
        }
    }

    fn stop(&self) {
        self.context.stop();
        self.context.coordinator().peers.ask(|| CoordinatorRequest::Stop);
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
        let (requested, gently) = (watch.interrupt.requested(), watch.interrupt.gently());
        if !requested && !watch.context.grown() {
            return true;
        }
        let asked = *self.asked.get_or_insert_with(Instant::now);
        let grace = watch.context.pipeline.shutdown.grace.millis().unsigned_abs();
        let patient = gently && asked.elapsed() < Duration::from_millis(grace);
        // nobody is in a hurry for new partitions; what is not published then is published later.
        let unpublished = requested && watch.context.coordinator().publisher.pending() > 0;
        if (patient || !requested) && (watch.context.winding_down() || unpublished) {
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
