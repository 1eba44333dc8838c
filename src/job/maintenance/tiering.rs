//! Uploads of complete segments of the log to an object store.

use anyhow::anyhow;
use crossbeam_channel::bounded;

use crate::catalog::{Catalog, CatalogError};
use crate::failpoint::Failpoint;
use crate::job::Context;
use crate::job::coordinator::command::{Command, Commands};
use crate::outage::is_full;
use crate::store::{Log, StoreError, Tier, remove_object};

/// Whether another attempt may succeed.
pub(super) fn is_outage(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(StoreError::Tier { .. })) || is_full(error.as_ref())
}

/// Access to the catalog.
pub trait CatalogAccess {
    /// Reads or changes the catalog.
    ///
    /// # Errors
    /// When SQLite returns an error, or the job has ended.
    fn with<T: Send + 'static>(
        &mut self,
        ask: impl FnOnce(&mut Catalog) -> Result<T, CatalogError> + Send + 'static,
    ) -> anyhow::Result<T>;
}

impl CatalogAccess for Catalog {
    fn with<T: Send + 'static>(
        &mut self,
        ask: impl FnOnce(&mut Catalog) -> Result<T, CatalogError> + Send + 'static,
    ) -> anyhow::Result<T> {
        Ok(ask(self)?)
    }
}

/// Sends a request to the coordinator and waits for the answer. The coordinator must never wait for the
/// calling thread.
impl CatalogAccess for Commands {
    fn with<T: Send + 'static>(
        &mut self,
        ask: impl FnOnce(&mut Catalog) -> Result<T, CatalogError> + Send + 'static,
    ) -> anyhow::Result<T> {
        let (send, answer) = bounded(1);
        self.send(Command::Catalog(Box::new(move |catalog| drop(send.send(ask(catalog))))));
        let answer = answer.recv().map_err(|_| anyhow!("the job has ended"))?;
        Ok(answer?)
    }
}

/// The segments of the log that are uploaded if they are old enough.
#[derive(Clone, Copy)]
pub(in crate::job) enum Segments {
    /// Those that are complete.
    Complete,
    /// All segments, because nobody writes the log any more.
    All,
}

/// Uploads segments that are old enough.
pub(super) fn upload(context: &Context, segments: Segments) -> anyhow::Result<()> {
    let Some(tier) = &context.pipeline.store.tier else { return Ok(()) };
    let names = match segments {
        Segments::Complete => context.log.not_uploaded(tier.age),
        Segments::All => context.log.ended_not_uploaded(tier.age),
    };
    let mut catalog = context.commands.clone();
    let upload = Upload { tier, run: &context.run, log: &context.log, names };
    let uploaded = upload.run(&mut catalog, || context.stopping());
    // segments that were in use during the upload can be evicted now.
    context.log.evict();
    uploaded
}

/// Segments of a run's log to be uploaded.
pub struct Upload<'a> {
    /// The object store.
    pub tier: &'a Tier,
    /// The unique name of the run.
    pub run: &'a str,
    /// The log.
    pub log: &'a Log,
    /// The segments.
    pub names: Vec<String>,
}

impl Upload<'_> {
    /// Uploads the segments, and removes objects whose segments are no longer in the log.
    ///
    /// # Errors
    /// When a segment is damaged, SQLite returns an error, or the object store cannot be reached.
    pub fn run(
        self,
        catalog: &mut impl CatalogAccess,
        stopping: impl Fn() -> bool,
    ) -> anyhow::Result<()> {
        remove_expired_objects(catalog)?;
        for name in self.names {
            if stopping() {
                break;
            }
            let url = self.tier.url_of(self.run, &name);
            let record = (name.clone(), url.clone());
            // recorded before the upload: otherwise a crash could leave an object that the catalog does not
            // know.
            catalog.with(move |catalog| catalog.uploading(&record.0, &record.1))?;
            Failpoint::TierRecorded.reach();
            self.log.upload(&name, &url)?;
            Failpoint::TierWritten.reach();
            let uploaded = name.clone();
            catalog.with(move |catalog| catalog.remote(&uploaded))?;
            self.log.remote(&name, url);
        }
        Ok(())
    }
}

/// Removes objects whose segments are no longer in the log.
///
/// # Errors
/// When SQLite returns an error, or an object store cannot be reached.
pub fn remove_expired_objects(catalog: &mut impl CatalogAccess) -> anyhow::Result<()> {
    let expired = catalog.with(|catalog| catalog.downloaded())?;
    for (name, url) in expired {
        remove_object(&url)?;
        catalog.with(move |catalog| catalog.remove_object_record(&name))?;
    }
    Ok(())
}
