//! Work on complete segments of the log, on a thread of its own.

use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use anyhow::anyhow;

use super::tiering::{is_outage, upload_complete};
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
    /// When a segment is damaged, or the catalog cannot be written.
    pub(in crate::job) fn proceed(&mut self, context: &Arc<Context>) -> anyhow::Result<()> {
        let is_keyed = context.pipeline.source.keyed().is_some();
        if (!is_keyed && context.pipeline.store.tier.is_none()) || self.is_running() {
            return Ok(());
        }
        let ended = self.0.take().map_or(Ok(()), end);
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
        let shared = Arc::clone(context);
        let thread = Builder::new().name("segments".to_owned());
        self.0 = Some(thread.spawn(move || {
            if is_keyed {
                index_keys(&shared)?;
            }
            upload_complete(&shared)
        })?);
        Ok(())
    }

    /// Whether it is running.
    pub(in crate::job) fn is_running(&self) -> bool {
        self.0.as_ref().is_some_and(|thread| !thread.is_finished())
    }
}

fn end(thread: JoinHandle<anyhow::Result<()>>) -> anyhow::Result<()> {
    thread.join().unwrap_or_else(|_| Err(anyhow!("the thread for complete segments panicked")))
}

/// Indexes the keys of complete segments. On a full disk it is tried again later.
fn index_keys(context: &Context) -> anyhow::Result<()> {
    match context.log.index_keys(|| context.stopping()) {
        Err(error) if is_full(&error) => Ok(()),
        indexed => Ok(indexed?),
    }
}
