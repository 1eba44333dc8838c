//! Publication outside the dataflow: a thread for each sink. No other thread waits for it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use anyhow::Context as _;
use crossbeam_channel::{Receiver, Sender, unbounded};

use super::predecessors::{Known, PublishedVersions};
use crate::catalog::{Catalog, CatalogError, Outbox, Version};
use crate::failpoint::Failpoint;
use crate::job::Branch;
use crate::outage::CancellationToken;
use crate::sink::{Published, Sink, SinkError};

/// Publishes versions to sinks, in order, each exactly once.
///
/// Each thread first takes its sink over from an earlier publisher and reads back earlier publications.
/// They are not published again and must not differ. Until then the sink counts as pending, and no other
/// part of the job waits for it.
pub struct Publisher {
    queues: Vec<Queue>,
    threads: Vec<JoinHandle<()>>,
    pending: Arc<Pending>,
    stop: CancellationToken,
}

/// The queue of a sink's thread.
struct Queue {
    key: &'static str,
    tasks: Sender<Task>,
}

/// A sink and the recorded progress of publication to it.
pub struct Outlet {
    /// Its key in the pipeline file.
    pub key: &'static str,
    /// The sink.
    pub sink: Box<dyn Sink>,
    /// The recorded progress.
    pub known: Outbox,
}

/// Receives the events of a publisher, on its threads.
pub trait Listener: Send + Sync {
    /// Sink `key` has `version`. There is a bookmark if the old one must no longer be used. The publication
    /// counts as pending until [`Publisher::recorded`].
    fn published(&self, key: &'static str, version: u64, bookmark: Option<&str>);

    /// Sink `key` can no longer be published to.
    fn failed(&self, error: anyhow::Error);
}

/// A request to publish a version.
struct Task {
    version: Version,
    folder: PathBuf,
}

impl Publisher {
    /// Starts a thread for each sink. `known` is the run, and the run that it adopted.
    ///
    /// # Errors
    /// When a thread cannot be started. The listener receives the error of a sink that cannot be opened,
    /// or that has a version that differs from the run's own.
    pub fn start(
        outlets: Vec<Outlet>,
        known: &Known,
        listener: Arc<dyn Listener>,
        stop: CancellationToken,
    ) -> anyhow::Result<Self> {
        let pending = Arc::new(Pending::default());
        let (mut queues, mut threads) = (Vec::new(), Vec::new());
        for Outlet { key, sink, known: outbox } in outlets {
            let (send, tasks) = unbounded();
            queues.push(Queue { key, tasks: send });
            let listener = Arc::clone(&listener);
            let running = Running { key, sink, listener, stop: stop.clone() };
            let (known, taken_over) = (known.clone(), Arc::clone(&pending));
            taken_over.add();
            let work = move || running.run(&known, &outbox, &taken_over, &tasks);
            let named = std::thread::Builder::new().name(format!("sink-{key}"));
            threads.push(named.spawn(work).context("starting a thread")?);
        }
        Ok(Self { queues, threads, pending, stop })
    }

    /// Publishes `version`, whose complete folder is `folder`, in the order of versions.
    pub fn publish(&self, version: &Version, folder: &Path) {
        for queue in &self.queues {
            self.add(queue, version, folder);
        }
    }

    fn add(&self, queue: &Queue, version: &Version, folder: &Path) {
        self.pending.add();
        let task = Task { version: version.clone(), folder: folder.to_owned() };
        if queue.tasks.send(task).is_err() {
            // the sink has failed; the job has received the error.
            self.pending.done();
        }
    }

    /// Publishes the versions of the pipeline's own branch from before the start of the job, to each sink
    /// those that it lacks.
    ///
    /// # Errors
    /// When a version or the catalog cannot be read.
    pub(in crate::job) fn publish_missing(
        &self,
        branch: &Branch,
        catalog: &Catalog,
    ) -> anyhow::Result<()> {
        let mut missing: BTreeMap<u64, (String, Vec<&Queue>)> = BTreeMap::new();
        for queue in &self.queues {
            for (number, recorded) in catalog.unpublished(queue.key)? {
                missing.entry(number).or_insert((recorded, Vec::new())).1.push(queue);
            }
        }
        for (number, (recorded, queues)) in missing {
            let (version, digest) = branch.store.described(number)?;
            if digest != recorded {
                return Err(CatalogError::Other { file: "description", version: number }.into());
            }
            for queue in queues {
                self.add(queue, &version, &branch.store.folder_of(number));
            }
        }
        Ok(())
    }

    /// Number of publications that are not recorded.
    pub fn pending(&self) -> usize {
        self.pending.count()
    }

    /// Records that a publication was recorded.
    pub fn recorded(&self) {
        self.pending.done();
    }

    /// Accepts no more versions. Returns the threads, which end when their versions are published or
    /// abandoned.
    pub fn close(self) -> Vec<JoinHandle<()>> {
        self.threads
    }

    /// Abandons versions that are not published yet.
    pub fn stop(&self) {
        self.stop.raise();
    }
}

/// A sink's thread.
struct Running {
    key: &'static str,
    sink: Box<dyn Sink>,
    listener: Arc<dyn Listener>,
    stop: CancellationToken,
}

impl Running {
    fn run(mut self, known: &Known, outbox: &Outbox, taken_over: &Pending, tasks: &Receiver<Task>) {
        let there = match self.take_over(known, outbox) {
            Ok(there) => there,
            Err(error) if is_stop(&error) => return,
            Err(error) => {
                let at = format!("sink.{}", self.key);
                return self.listener.failed(error.context(at));
            }
        };
        taken_over.done();
        for task in tasks {
            let stop = self.stop.clone();
            match stop.retry_while_full(|| Ok(self.publish(&task, &there)?)) {
                Ok(bookmark) => {
                    Failpoint::VersionSent.reach();
                    let number = task.version.version;
                    self.listener.published(self.key, number, bookmark.as_deref());
                    tracing::debug!(version = number, sink = self.key, "published");
                }
                Err(error) if is_stop(&error) => return,
                Err(error) => {
                    let doing = format!("publishing to sink.{}", self.key);
                    return self.listener.failed(error.context(doing));
                }
            }
        }
    }

    /// Takes the sink over, and compares what it has with what is known.
    fn take_over(&mut self, known: &Known, outbox: &Outbox) -> anyhow::Result<PublishedVersions> {
        self.sink.take_over()?;
        let found = self.sink.published(outbox.bookmark.as_deref())?;
        known.compare(found, outbox)
    }

    fn publish(
        &mut self,
        task: &Task,
        there: &PublishedVersions,
    ) -> Result<Option<String>, SinkError> {
        if there.has(&Published::of(&task.version))? {
            return Ok(None);
        }
        let bookmark = self.sink.publish(&task.version, &task.folder)?;
        // no bookmark before all versions that were read back: a later start must find them, too.
        Ok(bookmark.filter(|_| there.is_behind(task.version.version)))
    }
}

/// Whether the sink was asked to stop.
fn is_stop(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(SinkError::Stopped))
}

/// Counts pending publications.
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
