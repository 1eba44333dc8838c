use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::anyhow;

use crate::catalog::Catalog;
use crate::failpoint;
use crate::job::Context;
use crate::outage::is_full;
use crate::store::{Log, StoreError, Tier, remove_object};

/// The part of a job that waits for an object store.
const PART: &str = "store.tier";

/// Takes complete segments to an object store, on a thread of its own: a network is slower than a
/// job.
#[derive(Default)]
pub(in crate::job) struct Uploading(Option<JoinHandle<anyhow::Result<()>>>);

impl Uploading {
    /// Goes on with what is complete now, unless it is still busy with what was before.
    ///
    /// # Errors
    /// When a segment is not what was written, or the catalog cannot be written.
    pub(in crate::job) fn go_on(&mut self, context: &Arc<Context>) -> anyhow::Result<()> {
        if context.pipeline.store.tier.is_none()
            || self.0.as_ref().is_some_and(|it| !it.is_finished())
        {
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
                    tracing::warn!("the object store is there again after {} s", waited.as_secs());
                }
            }
        }
        let shared = Arc::clone(context);
        let thread = Builder::new().name("freezing".to_owned());
        self.0 = Some(thread.spawn(move || shared.upload())?);
        Ok(())
    }

    /// Waits until what is under way is done, but not longer than `most`; what is left is done by the
    /// next start.
    pub(in crate::job) fn finish(self, most: Duration) {
        let begun = Instant::now();
        let Some(thread) = self.0 else { return };
        while !thread.is_finished() && begun.elapsed() < most {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn end(thread: JoinHandle<anyhow::Result<()>>) -> anyhow::Result<()> {
    thread.join().unwrap_or_else(|_| Err(anyhow!("the thread for the object store panicked")))
}

/// Whether trying again may help.
fn is_outage(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(StoreError::Tier { .. })) || is_full(error.as_ref())
}

impl Context {
    /// Takes what is complete and old enough to the object store.
    fn upload(&self) -> anyhow::Result<()> {
        let Some(tier) = &self.pipeline.store.tier else { return Ok(()) };
        let names = self.log.not_uploaded(tier.age);
        upload(tier, (&self.run, &self.log, &self.coordinator().catalog), names, || self.stopping())
    }

    /// The same where nothing is written any more.
    pub(in crate::job) fn upload_all(&self) -> anyhow::Result<()> {
        let Some(tier) = &self.pipeline.store.tier else { return Ok(()) };
        let names = self.log.ended_not_uploaded(tier.age);
        match upload(tier, (&self.run, &self.log, &self.coordinator().catalog), names, || false) {
            Err(error) if is_outage(&error) => {
                tracing::warn!("{error:#}: segments stay on the local disk");
                Ok(())
            }
            remote => remote,
        }
    }
}

/// Takes segments `names` of a run's log to its object store, and removes there what is no longer in
/// the log.
///
/// # Errors
/// When a segment is not what was written, SQLite refuses, or the object store cannot be reached.
pub fn upload(
    tier: &Tier,
    (run, log, catalog): (&str, &Log, &Mutex<Catalog>),
    names: Vec<String>,
    stopping: impl Fn() -> bool,
) -> anyhow::Result<()> {
    remove_downloaded(catalog)?;
    let catalog = || lock(catalog);
    for name in names {
        if stopping() {
            break;
        }
        let url = tier.url_of(run, &name);
        // first, or after a crash nobody would know of it.
        catalog().uploading(&name, &url)?;
        failpoint::point("tier.recorded");
        log.upload(&name, &url)?;
        failpoint::point("tier.written");
        catalog().remote(&name)?;
        log.remote(&name, url);
    }
    Ok(())
}

/// Removes from object stores what is no longer in the log.
///
/// # Errors
/// When SQLite refuses, or an object store cannot be reached.
pub fn remove_downloaded(catalog: &Mutex<Catalog>) -> anyhow::Result<()> {
    let downloaded = lock(catalog).downloaded()?;
    for (name, url) in downloaded {
        remove_object(&url)?;
        lock(catalog).forget_object(&name)?;
    }
    Ok(())
}

fn lock(catalog: &Mutex<Catalog>) -> MutexGuard<'_, Catalog> {
    catalog.lock().expect("no one panics in the catalog")
}
