//! Publishing outside the dataflow: a thread for each sink, for which no other thread waits.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use anyhow::Context as _;
use crossbeam_channel::{Receiver, Sender, unbounded};

use super::predecessors::{Known, There};
use crate::catalog::{Catalog, CatalogError, Outbox, Version};
use crate::failpoint::Failpoint;
use crate::job::Branch;
use crate::outage::CancellationToken;
use crate::sink::{Published, Sink, SinkError};

/// Publishes versions to sinks, in order, each exactly once.
///
/// What was published before is read back at the start: it is not published again, and may not
/// differ.
pub struct Publisher {
    queues: Vec<Sender<Task>>,
    threads: Vec<JoinHandle<()>>,
    pending: Pending,
    stop: CancellationToken,
}

/// A sink, and how far it is known to be.
pub struct Outlet {
    /// Its key in the pipeline file.
    pub key: &'static str,
    /// The sink.
    pub sink: Box<dyn Sink>,
    /// The versions that the sink is known to have.
    pub known: Outbox,
}

/// Hears of what a publisher does; called on its threads.
pub trait Listener: Send + Sync {
    /// `version` is in sink `key`; with a bookmark, where the old one is no longer to be used. It
    /// counts as pending until [`Publisher::recorded`].
    fn published(&self, key: &'static str, version: u64, bookmark: Option<&str>);

    /// Sink `key` can no longer be published to.
    fn failed(&self, error: anyhow::Error);
}

struct Task {
    version: Version,
    folder: PathBuf,
}

impl Publisher {
    /// Takes the sinks over from an earlier publisher, and reads back what they have.
    ///
    /// `known` are the run's own versions, and the run it has adopted.
    ///
    /// # Errors
    /// When a sink cannot be had, or a version that is there differs from the run's own.
    pub fn start(
        outlets: Vec<Outlet>,
        known: &Known,
        listener: Arc<dyn Listener>,
        stop: CancellationToken,
    ) -> anyhow::Result<Self> {
        let pending = Pending::default();
        let (mut queues, mut threads) = (Vec::new(), Vec::new());
        for Outlet { key, mut sink, known: outbox } in outlets {
            let at = || format!("sink.{key}");
            sink.take_over().with_context(at)?;
            let found = sink.published(outbox.bookmark.as_deref()).with_context(at)?;
            let there = known.compare(found, &outbox.versions).with_context(at)?;
            let (queue, tasks) = unbounded();
            queues.push(queue);
            let listener = Arc::clone(&listener);
            let outlet = Running { key, sink, there, listener, stop: stop.clone() };
            let named = std::thread::Builder::new().name(format!("sink-{key}"));
            let thread = named.spawn(move || outlet.run(&tasks)).context("starting a thread")?;
            threads.push(thread);
        }
        Ok(Self { queues, threads, pending, stop })
    }

    /// Publishes `version`, whose complete folder is `folder`, when its turn comes.
    pub fn publish(&self, version: &Version, folder: &Path) {
        for queue in &self.queues {
            self.pending.add();
            let task = Task { version: version.clone(), folder: folder.to_owned() };
            if queue.send(task).is_err() {
                // the sink has failed, and the job knows.
                self.pending.done();
            }
        }
    }

    /// Publishes what the pipeline's own branch made before the job was started, as far as it is
    /// missing somewhere.
    ///
    /// # Errors
    /// When a version or the catalog cannot be read.
    pub(in crate::job) fn publish_missing(
        &self,
        branch: &Branch,
        catalog: &Catalog,
        sinks: &[&str],
    ) -> anyhow::Result<()> {
        let mut missing = BTreeMap::new();
        for sink in sinks {
            missing.append(&mut catalog.unpublished(sink)?);
        }
        for (number, recorded) in missing {
            let (version, digest) = branch.store.described(number)?;
            if digest != recorded {
                return Err(CatalogError::Other { file: "description", version: number }.into());
            }
            self.publish(&version, &branch.store.folder_of(number));
        }
        Ok(())
    }

    /// Publications that are not done yet.
    pub fn pending(&self) -> usize {
        self.pending.count()
    }

    /// A publication is recorded.
    pub fn recorded(&self) {
        self.pending.done();
    }

    /// Takes no more versions, and gives the threads, which end once what they were sent is published
    /// or given up.
    pub fn close(self) -> Vec<JoinHandle<()>> {
        self.threads
    }

    /// Gives up what is not published yet.
    pub fn stop(&self) {
        self.stop.raise();
    }
}

/// A sink's thread.
struct Running {
    key: &'static str,
    sink: Box<dyn Sink>,
    there: There,
    listener: Arc<dyn Listener>,
    stop: CancellationToken,
}

impl Running {
    fn run(mut self, tasks: &Receiver<Task>) {
        for task in tasks {
            let stop = self.stop.clone();
            match stop.until_room(|| Ok(self.publish(&task)?)) {
                Ok(bookmark) => {
                    Failpoint::VersionSent.reach();
                    let number = task.version.version;
                    self.listener.published(self.key, number, bookmark.as_deref());
                    tracing::debug!(version = number, sink = self.key, "published");
                }
                // the sink was asked to stop.
                Err(error) if matches!(error.downcast_ref(), Some(SinkError::Stopped)) => return,
                Err(error) => {
                    let doing = format!("publishing to sink.{}", self.key);
                    return self.listener.failed(error.context(doing));
                }
            }
        }
    }

    fn publish(&mut self, task: &Task) -> Result<Option<String>, SinkError> {
        if self.there.has(&Published::of(&task.version))? {
            return Ok(None);
        }
        let bookmark = self.sink.publish(&task.version, &task.folder)?;
        // what was read back and is still to come must be found by a later start, too.
        Ok(bookmark.filter(|_| self.there.is_behind(task.version.version)))
    }
}

/// Counts what is not done yet.
#[derive(Default)]
struct Pending(AtomicUsize);

impl Pending {
    fn add(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn done(&self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}
