//! The order of durability: flush all processes, sync the log, write dead letters, commit.

use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;

use super::command::Inbox;
use super::peers::Peers;
use crate::catalog::{Catalog, CatalogError};
use crate::dead_letters::DeadLetterQueue;
use crate::job::Context;
use crate::outage::is_full;
use crate::store::SegmentLength;

/// Between two questions whether dead letters are durable.
const DEAD_LETTER_WAIT: Duration = Duration::from_millis(200);

/// What has to be durable before a commit, and the catalog.
pub(in crate::job) struct Durability {
    pub(in crate::job) context: Arc<Context>,
    pub(in crate::job) catalog: Catalog,
    pub(in crate::job) dead_letters: DeadLetterQueue,
    pub(in crate::job) peers: Peers,
    pub(in crate::job) inbox: Inbox,
}

impl Durability {
    /// Commits what depends on all that was read until now. Waits until dead letters are durable and
    /// there is room on the disk.
    ///
    /// # Errors
    /// When a process is lost, a file or the catalog cannot be written, or the job is stopped while
    /// it waits.
    pub(in crate::job) fn commit(
        &mut self,
        record: impl Fn(&mut Catalog, &[SegmentLength]) -> Result<(), CatalogError>,
    ) -> anyhow::Result<()> {
        let context = Arc::clone(&self.context);
        context.cancellation.until_room(|| {
            let durable = self.sync_log()?;
            while !self.dead_letters.sync(DEAD_LETTER_WAIT)? {
                ensure!(
                    !context.stopping(),
                    "the job was stopped before all dead letters were durable"
                );
                self.peers.poll(&context, &self.dead_letters)?;
            }
            record(&mut self.catalog, &durable)?;
            context.log.recorded(&durable);
            Ok(())
        })
    }

    /// The same without waiting for dead letters or for room: whether it was committed.
    ///
    /// # Errors
    /// When a process is lost, or a file or the catalog cannot be written.
    pub(in crate::job) fn try_commit(
        &mut self,
        record: impl FnOnce(&mut Catalog, &[SegmentLength]) -> Result<(), CatalogError>,
    ) -> anyhow::Result<bool> {
        let committed = self.sync_log().and_then(|durable| {
            if !self.dead_letters.sync(DEAD_LETTER_WAIT)? {
                return Ok(false);
            }
            record(&mut self.catalog, &durable)?;
            self.context.log.recorded(&durable);
            Ok(true)
        });
        match committed {
            // whatever has to be written waits for room, and says so.
            Err(error) if is_full(error.as_ref()) => Ok(false),
            committed => committed,
        }
    }

    /// Whether a commit need not wait for dead letters; waits for them a moment only.
    ///
    /// # Errors
    /// When a process is lost, or a file cannot be written.
    pub(in crate::job) fn is_ready(&mut self) -> anyhow::Result<bool> {
        match self.sync_log() {
            Ok(_) => Ok(self.dead_letters.sync(DEAD_LETTER_WAIT)?),
            Err(error) if is_full(error.as_ref()) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Commits what does not depend on the log; waits until there is room on the disk.
    ///
    /// # Errors
    /// When the catalog cannot be written.
    pub(in crate::job) fn write<T>(
        &mut self,
        write: impl Fn(&mut Catalog) -> Result<T, CatalogError>,
    ) -> anyhow::Result<T> {
        let context = Arc::clone(&self.context);
        context.cancellation.until_room(|| Ok(write(&mut self.catalog)?))
    }

    /// Makes durable what all processes have read.
    ///
    /// # Errors
    /// When a process is lost, or a file cannot be written.
    pub(in crate::job) fn flush(&mut self) -> anyhow::Result<()> {
        self.peers.flush(&self.context, &self.dead_letters)
    }

    fn sync_log(&mut self) -> anyhow::Result<Vec<SegmentLength>> {
        self.flush()?;
        let durable = self.context.log.sync()?;
        // a dead letter is sent before its row is appended: all that belong to `durable` are here.
        let dead_letters = self.inbox.take_dead_letters();
        self.context.write_dead_letters(&self.dead_letters, dead_letters)?;
        Ok(durable)
    }
}

impl Context {
    /// Writes dead letters; waits until there is room on the disk.
    ///
    /// # Errors
    /// When they cannot be written, or an invalid message ends the job.
    pub(in crate::job) fn write_dead_letters(
        &self,
        queue: &DeadLetterQueue,
        dead_letters: Vec<crate::dead_letters::DeadLetter>,
    ) -> anyhow::Result<()> {
        if dead_letters.is_empty() {
            return Ok(());
        }
        self.cancellation.until_room(|| Ok(queue.write(dead_letters.clone())?))
    }
}
