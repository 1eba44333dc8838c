//! Work on complete segments of the log, on a thread of its own.

use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use anyhow::anyhow;

use super::tiering::{Segments, is_outage, upload};
use crate::job::Context;
use crate::outage::is_full;

/// The part of a job that waits for an object store.
const PART: &str = "store.tier";

/// Work on complete segments, on a separate thread: the index of their keys, and uploads to an object store,
/// which is slower than a job.
#[derive(Default)]
pub(in crate::job) struct CompleteSegments(Option<JoinHandle<anyhow::Result<()>>>);

impl CompleteSegments {
    /// Starts the work on the complete segments, unless it is running.
    ///
    /// # Errors
    /// When the last work has found a damaged segment, or could not write the catalog.
    pub(in crate::job) fn proceed(&mut self, context: &Arc<Context>) -> anyhow::Result<()> {
        if self.is_running() {
            return Ok(());
        }
        self.end(context)?;
        self.start(context, Segments::Complete)
    }

    /// Reports how the last work ended, which is not running any more.
    ///
    /// # Errors
    /// When it has found a damaged segment, or could not write the catalog. An object store that cannot be
    /// reached is no error.
    pub(in crate::job) fn end(&mut self, context: &Context) -> anyhow::Result<()> {
        let Some(thread) = self.0.take() else { return Ok(()) };
        let ended = thread
            .join()
            .unwrap_or_else(|_| Err(anyhow!("the thread for complete segments panicked")));
        let outages = context.cancellation.outages();
        match ended {
            Err(error) if is_outage(&error) => {
                if outages.begin(PART, &format!("{error:#}")) {
                    tracing::warn!("{error:#}: segments stay on the local disk meanwhile");
                }
            }
            Err(error) => return Err(error),
            Ok(()) => {
                if let Some(waited) = outages.end(PART) {
                    tracing::warn!(
                        "the object store is available again after {} s",
                        waited.as_secs()
                    );
                }
            }
        }
        Ok(())
    }

    /// Starts the work on `segments`.
    ///
    /// # Errors
    /// When the system cannot start a thread.
    pub(in crate::job) fn start(
        &mut self,
        context: &Arc<Context>,
        segments: Segments,
    ) -> anyhow::Result<()> {
        let is_keyed = context.pipeline.source.keyed().is_some();
        if !is_keyed && context.pipeline.store.tier.is_none() {
            return Ok(());
        }
        let shared = Arc::clone(context);
        let thread = Builder::new().name("segments".to_owned());
        self.0 = Some(thread.spawn(move || {
            if is_keyed {
                index_keys(&shared)?;
            }
            upload(&shared, segments)
        })?);
        Ok(())
    }

    /// Whether it is running.
    pub(in crate::job) fn is_running(&self) -> bool {
        self.0.as_ref().is_some_and(|thread| !thread.is_finished())
    }
}

/// Indexes the keys of complete segments. On a full disk it is tried again later.
fn index_keys(context: &Context) -> anyhow::Result<()> {
    match context.log.index_keys(|| context.stopping()) {
        Err(error) if is_full(&error) => Ok(()),
        indexed => Ok(indexed?),
    }
}
