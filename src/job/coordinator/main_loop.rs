//! The thread that owns the order of durability on process 0. It receives commands from operators and
//! services, and events from processes and threads, and it ends the job.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;

use super::protocol::CoordinatorRequest;
use super::recorder::Recorder;
use super::stopping::{Stoppable, Stopping};
use crate::console::Progress;
use crate::job::run::interrupt::GRACE;
use crate::job::{Context, End, Interrupt};
use crate::outage::is_full;

/// The time between two commits without decisions.
const PERSIST: Duration = Duration::from_secs(1);

/// Maximum number of unwritten dead letters before ingestion pauses.
const MAX_DEAD_LETTERS: usize = 10_000;

/// The longest wait for a command.
const MOMENT: Duration = Duration::from_millis(20);

/// The context of an error at the end of a job.
const NOT_CLOSED: &str = "the end of the job is not recorded\n\
                          hint: free some space and start it again: it resumes where it was";

/// The coordinator of a job, on process 0.
pub(in crate::job) struct Coordinator {
    pub(in crate::job) context: Arc<Context>,
    pub(in crate::job) recorder: Recorder,
    pub(in crate::job) faults: Receiver<anyhow::Error>,
}

impl Coordinator {
    /// Works until the job ends. Returns the reason; none if the run must be opened again.
    ///
    /// # Errors
    /// When a part of the job fails, or another process is lost.
    pub(in crate::job) fn until_end(
        &mut self,
        finished: &Receiver<()>,
        interrupt: &Interrupt,
        show: bool,
    ) -> anyhow::Result<Option<End>> {
        let mut progress = show.then(Progress::start);
        let (mut stopping, mut persisted) = (Stopping::default(), Instant::now());
        let mut workers_ended = false;
        let ended = loop {
            workers_ended |= finished.try_recv().is_ok();
            match self.turn(workers_ended).and_then(|over| {
                self.supervise(interrupt, &mut persisted)?;
                Ok(over || !stopping.proceed(self, interrupt))
            }) {
                Ok(false) => {}
                ended => break ended.map(drop),
            }
            if let Some(progress) = &mut progress {
                progress.show(&self.context.status);
            }
        };
        if let Some(progress) = progress {
            progress.finish();
        }
        self.finish_upload();
        if ended.is_err() {
            self.context.stop();
            // the next attempt on this state must find no thread that still writes. With several processes,
            // each ends separately.
            if self.context.cluster.is_single() && !workers_ended {
                let _still_running = finished.recv_timeout(GRACE);
            }
        }
        self.recorder.publisher.stop();
        let end = End::of(interrupt, self.context.grown());
        // an error of the last steps may arrive together with the end.
        match self.faults.try_recv() {
            Ok(error) if ended.is_ok() && !interrupt.requested() => Err(error),
            _ => ended.map(|()| end),
        }
    }

    /// Records the end of the job. `complete` is whether the stream has ended. Waits while the disk is
    /// full, unless the job is interrupted.
    ///
    /// # Errors
    /// When the catalog or the log cannot be written.
    pub(in crate::job) fn close(
        &mut self,
        complete: bool,
        interrupt: &Interrupt,
    ) -> anyhow::Result<()> {
        loop {
            let closed = self.recorder.close().and_then(|()| {
                if complete {
                    self.upload_rest(interrupt)?;
                }
                let catalog = &mut self.recorder.durability.catalog;
                catalog.set_complete(complete)?;
                Ok(catalog.settle()?)
            });
            match closed {
                Err(error) if interrupt.requested() && is_full(error.as_ref()) => {
                    return Err(error.context(NOT_CLOSED));
                }
                closed => {
                    if self.recorder.durability.unless_full(closed)?.is_some() {
                        self.recorder.durability.has_room();
                        return Ok(());
                    }
                }
            }
            std::thread::sleep(MOMENT * 10);
        }
    }

    /// Does periodic work.
    fn supervise(&mut self, interrupt: &Interrupt, persisted: &mut Instant) -> anyhow::Result<()> {
        if !interrupt.requested()
            && let Some(gently) = self.recorder.durability.peers.asked_to_stop()
        {
            interrupt.request(gently);
        }
        if self.context.sync && persisted.elapsed() > PERSIST {
            self.recorder.record_all()?;
            *persisted = Instant::now();
            self.recorder.durability.report_refusals(self.recorder.state.path());
        }
        self.recorder.maintain()
    }

    /// Handles all events that have arrived. Returns whether the job is over: the workers have ended, and
    /// all their results are stored.
    fn turn(&mut self, workers_ended: bool) -> anyhow::Result<bool> {
        if let Ok(error) = self.faults.try_recv() {
            return Err(error);
        }
        let until = Instant::now() + MOMENT;
        let mut idle = false;
        while !idle && Instant::now() < until {
            self.recorder
                .durability
                .peers
                .poll(&self.context, &self.recorder.durability.dead_letters)?;
            // further commands wait in the queue, so that ingestion pauses.
            if self.recorder.durability.dead_letters.pending() > MAX_DEAD_LETTERS {
                std::thread::sleep(MOMENT);
                break;
            }
            self.recorder.durability.write_dead_letters()?;
            match self.recorder.durability.inbox.next(MOMENT) {
                Some(command) => self.recorder.handle(command)?,
                None => idle = true,
            }
            self.recorder.record_waiting()?;
        }
        Ok(workers_ended && idle && self.recorder.is_done()?)
    }

    /// Waits for a running upload for a short time. The next start repeats it.
    fn finish_upload(&mut self) {
        let since = Instant::now();
        let ended = self.until_uploaded(|| since.elapsed() > GRACE);
        if let Err(error) = ended {
            self.context.fail(error);
        }
    }

    /// Uploads the rest of the log of a stream that has ended. After an interrupt it has a short time.
    fn upload_rest(&mut self, interrupt: &Interrupt) -> anyhow::Result<()> {
        let mut interrupted = None;
        let mut gives_up = || {
            let since =
                interrupt.requested().then(|| *interrupted.get_or_insert_with(Instant::now));
            since.is_some_and(|since| since.elapsed() > GRACE)
        };
        // another upload may still be running.
        if self.until_uploaded(&mut gives_up)? {
            self.recorder.maintenance.uploaded()?;
            self.recorder.maintenance.upload_rest()?;
            if self.until_uploaded(&mut gives_up)? {
                return self.recorder.maintenance.uploaded();
            }
        }
        tracing::warn!("interrupted during an upload: segments stay on the local disk");
        Ok(())
    }

    /// Waits until no upload is running, and handles commands meanwhile: the upload waits for answers from
    /// the catalog. Returns false if it gives up.
    fn until_uploaded(&mut self, mut gives_up: impl FnMut() -> bool) -> anyhow::Result<bool> {
        while self.recorder.maintenance.is_uploading() {
            if gives_up() {
                return Ok(false);
            }
            if let Some(command) = self.recorder.durability.inbox.next(MOMENT) {
                self.recorder.handle(command)?;
            }
        }
        Ok(true)
    }
}

impl Stoppable for Coordinator {
    fn has_grown(&self) -> bool {
        self.context.grown()
    }

    fn grace(&self) -> Duration {
        Duration::from_millis(self.context.pipeline.shutdown.grace.millis().unsigned_abs())
    }

    fn unpublished(&self) -> usize {
        self.recorder.publisher.pending()
    }

    fn winding_down(&self) -> bool {
        if self.context.wind_down() {
            self.recorder.durability.peers.ask(|| CoordinatorRequest::WindDown);
        }
        self.recorder.is_training()
    }

    fn stop(&self) {
        self.context.stop();
        self.recorder.durability.peers.ask(|| CoordinatorRequest::Stop);
    }
}
