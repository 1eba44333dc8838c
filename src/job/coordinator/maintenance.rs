//! Periodic retention and uploads to the object store, on process 0.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::catalog::Catalog;
use crate::job::maintenance::complete_segments::CompleteSegments;
use crate::job::maintenance::retention::retain;
use crate::job::maintenance::tiering::Segments;
use crate::job::{Context, StateDirectory};
use crate::outage::is_full;

/// The time between two runs of maintenance.
const INTERVAL: Duration = Duration::from_secs(5);

/// Removes expired data and uploads complete segments.
pub(in crate::job) struct Maintenance {
    context: Arc<Context>,
    /// Whether anything was recorded since retention last ran.
    recorded: bool,
    last: Instant,
    segments: CompleteSegments,
}

impl Maintenance {
    pub(in crate::job) fn new(context: &Arc<Context>) -> Self {
        Self {
            context: Arc::clone(context),
            recorded: false,
            last: Instant::now(),
            segments: CompleteSegments::default(),
        }
    }

    /// Records that the catalog changed, so that retention may find expired data.
    pub(in crate::job) fn recorded(&mut self) {
        self.recorded = true;
    }

    /// Runs maintenance, unless it ran a short time ago.
    ///
    /// # Errors
    /// When the catalog cannot be written, or an uploaded segment is damaged. A full disk is no error:
    /// retention is recorded when there is space again.
    pub(in crate::job) fn run_when_due(
        &mut self,
        state: &StateDirectory,
        catalog: &mut Catalog,
    ) -> anyhow::Result<()> {
        if self.last.elapsed() < INTERVAL {
            return Ok(());
        }
        self.last = Instant::now();
        match self.retain(state, catalog) {
            Err(error) if !is_full(error.as_ref()) => return Err(error),
            _ => {}
        }
        self.segments.proceed(&self.context)
    }

    /// Whether an upload is running.
    pub(in crate::job) fn is_uploading(&self) -> bool {
        self.segments.is_running()
    }

    /// Applies retention after the last record of a job.
    ///
    /// # Errors
    /// When the catalog cannot be written.
    pub(in crate::job) fn finish(
        &mut self,
        state: &StateDirectory,
        catalog: &mut Catalog,
    ) -> anyhow::Result<()> {
        self.recorded = true;
        self.retain(state, catalog)
    }

    /// Starts the upload of the rest of a log that nobody writes any more.
    ///
    /// # Errors
    /// When the system cannot start a thread.
    pub(in crate::job) fn upload_rest(&mut self) -> anyhow::Result<()> {
        self.segments.start(&self.context, Segments::All)
    }

    /// Reports how the last upload ended, which is not running any more.
    ///
    /// # Errors
    /// When a segment is damaged, or the catalog could not be written.
    pub(in crate::job) fn uploaded(&mut self) -> anyhow::Result<()> {
        self.segments.end(&self.context)
    }

    fn retain(&mut self, state: &StateDirectory, catalog: &mut Catalog) -> anyhow::Result<()> {
        if !self.recorded {
            return Ok(());
        }
        self.recorded = false;
        let retention = &self.context.pipeline.retention;
        catalog.remove_trigger_evaluations(retention.trigger_evaluations.keep.get())?;
        if retention.keeps_all() {
            return Ok(());
        }
        let view = Catalog::view(&state.catalog())?;
        retain(&self.context, &view, state.path(), catalog)
    }
}
