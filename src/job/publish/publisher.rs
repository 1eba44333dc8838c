//! Publishing beside the dataflow: a thread for each sink, which no other waits for.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use crossbeam_channel::{Receiver, Sender, unbounded};

use super::predecessors::{Known, There};
use crate::catalog::{Outbox, Version};
use crate::failpoint;
use crate::sink::{CancellationToken, Published, Sink, SinkError};

/// Publishes versions to sinks, in order, each exactly once.
///
/// What was published before is read back at the start: it is not published again, and may not
/// differ.
pub struct Publisher {
    queues: Vec<Sender<Task>>,
    pending: Arc<Pending>,
    stop: CancellationToken,
}

/// A sink, and how far it is known to be.
pub struct Outlet {
    /// Its key in the pipeline file.
    pub key: &'static str,
    /// The sink.
    pub sink: Box<dyn Sink>,
    /// What is known to be in it.
    pub known: Outbox,
}

/// Hears of what a publisher does; called on its threads.
pub trait Listener: Send + Sync {
    /// `version` is in sink `key`; with a bookmark, where the old one is no longer to be used.
    fn published(&self, key: &'static str, version: u64, bookmark: Option<&str>);

    /// Sink `key` can no longer be published to.
    fn failed(&self, error: anyhow::Error);
}

struct Task {
    version: Version,
    folder: PathBuf,
}

impl Publisher {
    /// Takes the sinks over from whoever published before, and reads back what is there.
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
        let pending = Arc::new(Pending::default());
        let mut queues = Vec::new();
        for Outlet { key, mut sink, known: outbox } in outlets {
            let at = || format!("sink.{key}");
            sink.take_over().with_context(at)?;
            let found = sink.published(outbox.bookmark.as_deref()).with_context(at)?;
            let there = known.compare(found, &outbox.versions).with_context(at)?;
            let (queue, tasks) = unbounded();
            queues.push(queue);
            let (listener, pending) = (Arc::clone(&listener), Arc::clone(&pending));
            let outlet = Running { key, sink, there, listener, pending, stop: stop.clone() };
            let named = std::thread::Builder::new().name(format!("sink-{key}"));
            named.spawn(move || outlet.run(&tasks)).context("starting a thread")?;
        }
        Ok(Self { queues, pending, stop })
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

    /// Publications that are not done yet.
    pub fn pending(&self) -> usize {
        self.pending.count()
    }

    /// Waits until everything is published, at most for `time`; whether it is.
    pub fn drain(&self, time: Duration) -> bool {
        self.pending.wait(time)
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
    pending: Arc<Pending>,
    stop: CancellationToken,
}

impl Running {
    fn run(mut self, tasks: &Receiver<Task>) {
        for task in tasks {
            let stop = self.stop.clone();
            match stop.until_room(|| Ok(self.publish(&task)?)) {
                Ok(bookmark) => {
                    failpoint::point("version.sent");
                    let number = task.version.version;
                    self.listener.published(self.key, number, bookmark.as_deref());
                    tracing::debug!(version = number, sink = self.key, "published");
                    self.pending.done();
                }
                // whoever asked for that knows.
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
struct Pending {
    count: Mutex<usize>,
    changed: Condvar,
}

impl Pending {
    fn add(&self) {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner) += 1;
    }

    fn done(&self) {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.changed.notify_all();
    }

    fn count(&self) -> usize {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self, time: Duration) -> bool {
        let count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(count, time, |count| *count > 0);
        *waited.unwrap_or_else(PoisonError::into_inner).0 == 0
    }
}
