//! The order of durability: flush all processes, sync the log, write dead letters, commit.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::command::{Inbox, InvalidMessages};
use super::log_sync::LogSync;
use super::peers::Peers;
use crate::catalog::{Catalog, CatalogError};
use crate::dead_letters::DeadLetterQueue;
use crate::job::run::interrupt::GRACE;
use crate::job::run::no_samples::NoSamples;
use crate::job::{Context, Interrupt};
use crate::outage::is_full;
use crate::store::SegmentLength;

/// The longest wait for an answer before other events are handled. A commit that waits longer for dead
/// letters is tried again later.
const MOMENT: Duration = Duration::from_millis(20);

/// The time between two messages about the same full disk.
const REMINDER_INTERVAL: Duration = Duration::from_secs(10);

/// The name under which the outage of the disk is shown.
const DISK: &str = "disk";

/// The catalog, and everything that has to be durable before a commit.
pub(in crate::job) struct Durability {
    pub(in crate::job) context: Arc<Context>,
    pub(in crate::job) catalog: Catalog,
    pub(in crate::job) dead_letters: DeadLetterQueue,
    pub(in crate::job) peers: Peers,
    pub(in crate::job) inbox: Inbox,
    pub(in crate::job) invalid: InvalidMessages,
    pub(in crate::job) sync: LogSync,
    pub(in crate::job) interrupt: Interrupt,
    /// The time at which a full disk was last reported, if the disk is still full.
    pub(in crate::job) full: Option<Instant>,
    /// Whether it was reported that no message is a sample.
    pub(in crate::job) reported: bool,
}

/// Invalid messages without a single sample after which that is reported.
const ENOUGH: u64 = 1000;

impl Durability {
    /// Reports it once when none of the first messages is a sample.
    pub(in crate::job) fn report_refusals(&mut self, state: &Path) {
        let status = &self.context.status;
        if self.reported || status.samples() > 0 || status.dead_letters() < ENOUGH {
            return;
        }
        self.reported = true;
        let refused = self.refused(state);
        tracing::warn!("{refused}");
    }

    /// That no message was a sample.
    pub(in crate::job) fn refused(&self, state: &Path) -> NoSamples {
        NoSamples {
            messages: self.context.status.dead_letters(),
            most_frequent: self.dead_letters.most_frequent(),
            place: self.context.pipeline.dead_letters.place(state),
        }
    }

    /// Commits data that depends on all records so far. Returns whether it was committed: not while dead
    /// letters are not durable, and not if the job is interrupted while a process does not answer.
    ///
    /// # Errors
    /// When a process is lost, or a file or the catalog cannot be written. After a full disk it may be
    /// called again.
    pub(in crate::job) fn commit(
        &mut self,
        record: impl FnOnce(&mut Catalog, &[SegmentLength]) -> Result<(), CatalogError>,
    ) -> anyhow::Result<bool> {
        if !self.flush()? {
            return Ok(false);
        }
        let Some(durable) = self.sync()? else { return Ok(false) };
        // dead letters are sent before their rows are appended: all that belong to `durable` are here.
        self.write_dead_letters()?;
        if !self.dead_letters.sync(MOMENT)? {
            return Ok(false);
        }
        record(&mut self.catalog, &durable)?;
        self.context.log.recorded(&durable);
        Ok(true)
    }

    /// Makes the records of all processes durable. Returns false if the job is interrupted while a process
    /// does not answer.
    ///
    /// # Errors
    /// When a process is lost, or a file cannot be written.
    pub(in crate::job) fn flush(&mut self) -> anyhow::Result<bool> {
        self.peers.flush(&self.context, &self.dead_letters, &self.interrupt)
    }

    /// Makes the rows of this process durable. Returns the lengths of the segments that have grown; none if
    /// the job fails, or is interrupted while the disk does not answer.
    fn sync(&mut self) -> anyhow::Result<Option<Vec<SegmentLength>>> {
        self.sync.request();
        let since = Instant::now();
        loop {
            if let Some(synced) = self.sync.answer(MOMENT) {
                return Ok(Some(synced?));
            }
            self.peers.poll(&self.context, &self.dead_letters)?;
            if self.context.failed() || (self.interrupt.requested() && since.elapsed() > GRACE) {
                return Ok(None);
            }
        }
    }

    /// Hands invalid messages of this process to their destination.
    ///
    /// # Errors
    /// When an invalid message ends the job.
    pub(in crate::job) fn write_dead_letters(&mut self) -> anyhow::Result<()> {
        Ok(self.dead_letters.write(self.invalid.take())?)
    }

    /// The result of an operation that writes to the disk; none if the disk is full. This is reported, and
    /// the caller tries again later.
    ///
    /// # Errors
    /// When it failed for another reason.
    pub(in crate::job) fn unless_full<T>(
        &mut self,
        result: anyhow::Result<T>,
    ) -> anyhow::Result<Option<T>> {
        match result {
            Err(error) if is_full(error.as_ref()) => {
                self.context.cancellation.outages().begin(DISK, "full");
                if self.full.is_none_or(|reported| reported.elapsed() > REMINDER_INTERVAL) {
                    tracing::warn!("{error:#}: the job waits for free space");
                    self.full = Some(Instant::now());
                }
                Ok(None)
            }
            result => result.map(Some),
        }
    }

    /// Records that nothing waits for disk space any more.
    pub(in crate::job) fn has_room(&mut self) {
        if self.full.take().is_some()
            && let Some(waited) = self.context.cancellation.outages().end(DISK)
        {
            tracing::warn!("there is free space again after {} s", waited.as_secs());
        }
    }
}
