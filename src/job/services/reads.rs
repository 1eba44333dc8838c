//! A thread for reads that services need, so that no worker waits for a disk or an object store.

use crossbeam_channel::{Sender, unbounded};

/// Runs tasks one after another on a separate thread. Clones share the thread.
#[derive(Clone)]
pub(in crate::job) struct Reads(Sender<Task>);

type Task = Box<dyn FnOnce() + Send>;

impl Reads {
    /// Starts the thread. It ends when all clones are dropped.
    ///
    /// # Errors
    /// When the system cannot start a thread.
    pub(in crate::job) fn start() -> std::io::Result<Self> {
        let (send, tasks) = unbounded::<Task>();
        let thread = std::thread::Builder::new().name("reads".to_owned());
        thread.spawn(move || tasks.iter().for_each(|task| task()))?;
        Ok(Self(send))
    }

    /// Runs a task after those that were sent before it.
    pub(in crate::job) fn run(&self, task: impl FnOnce() + Send + 'static) {
        if self.0.send(Box::new(task)).is_err() {
            tracing::debug!("a read was requested after the end of the job");
        }
    }
}
