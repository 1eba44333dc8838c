//! The order of durability: flush all processes, sync the log, write dead letters, commit.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::command::Inbox;
use super::peers::Peers;
use crate::catalog::{Catalog, CatalogError};
use crate::dead_letters::DeadLetterQueue;
use crate::job::{Context, Interrupt};
use crate::outage::is_full;
use crate::store::SegmentLength;

/// How long a commit waits for dead letters before it is left for later.
const DEAD_LETTER_WAIT: Duration = Duration::from_millis(20);

/// The time between two messages about the same full disk.
const REMIND: Duration = Duration::from_secs(10);

/// The name under which the outage of the disk is shown.
const DISK: &str = "disk";

/// The catalog, and everything that has to be durable before a commit.
pub(in crate::job) struct Durability {
    pub(in crate::job) context: Arc<Context>,
    pub(in crate::job) catalog: Catalog,
    pub(in crate::job) dead_letters: DeadLetterQueue,
    pub(in crate::job) peers: Peers,
    pub(in crate::job) inbox: Inbox,
    pub(in crate::job) interrupt: Interrupt,
    /// When a full disk was last reported, if it still is full.
    pub(in crate::job) full: Option<Instant>,
}

impl Durability {
    /// Commits what depends on all that was read until now; whether it was committed: not while dead
    /// letters are not durable, and not when the job is interrupted while a process does not answer.
    ///
    /// # Errors
    /// When a process is lost, or a file or the catalog cannot be written. After a full disk it may
    /// be tried again.
    pub(in crate::job) fn commit(
        &mut self,
        record: impl FnOnce(&mut Catalog, &[SegmentLength]) -> Result<(), CatalogError>,
    ) -> anyhow::Result<bool> {
        if !self.flush()? {
            return Ok(false);
        }
        let durable = self.context.log.sync()?;
        // a dead letter is sent before its row is appended: all that belong to `durable` are here.
        self.dead_letters.write(self.inbox.take_dead_letters())?;
        if !self.dead_letters.sync(DEAD_LETTER_WAIT)? {
            return Ok(false);
        }
        record(&mut self.catalog, &durable)?;
        self.context.log.recorded(&durable);
        Ok(true)
    }

    /// Makes durable what all processes have read; false when the job is interrupted while a process
    /// does not answer.
    ///
    /// # Errors
    /// When a process is lost, or a file cannot be written.
    pub(in crate::job) fn flush(&mut self) -> anyhow::Result<bool> {
        self.peers.flush(&self.context, &self.dead_letters, &self.interrupt)
    }

    /// The result of something that writes to the disk; none if the disk is full, which is reported:
    /// it is to be tried again later.
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
                if self.full.is_none_or(|reported| reported.elapsed() > REMIND) {
                    tracing::warn!("{error:#}: the job waits until there is room");
                    self.full = Some(Instant::now());
                }
                Ok(None)
            }
            result => result.map(Some),
        }
    }

    /// Notes that nothing waits for room any more.
    pub(in crate::job) fn has_room(&mut self) {
        if self.full.take().is_some()
            && let Some(waited) = self.context.cancellation.outages().end(DISK)
        {
            tracing::warn!("there is room again after {} s", waited.as_secs());
        }
    }
}
