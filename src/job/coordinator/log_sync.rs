//! Syncs of the log, on a thread of its own: a disk may take long.

use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, unbounded};

use crate::store::{Log, SegmentLength, StoreError};

/// The lengths of the segments that have grown, after a sync.
type Synced = Result<Vec<SegmentLength>, StoreError>;

/// Syncs the log on request. Clones of the log may be written meanwhile.
pub(in crate::job) struct LogSync {
    requests: Sender<u64>,
    answers: Receiver<(u64, Synced)>,
    last: u64,
}

impl LogSync {
    /// Starts the thread. It ends with this object.
    ///
    /// # Errors
    /// When the system cannot start a thread.
    pub(in crate::job) fn start(log: &Log) -> std::io::Result<Self> {
        let (requests, requested) = unbounded::<u64>();
        let (answer, answers) = unbounded();
        let log = log.clone();
        std::thread::Builder::new().name("sync".to_owned()).spawn(move || {
            // an answer that nobody awaits any more is dropped.
            requested.iter().for_each(|number| drop(answer.send((number, log.sync()))));
        })?;
        Ok(Self { requests, answers, last: 0 })
    }

    /// Requests a sync of all rows that have been appended so far.
    pub(in crate::job) fn request(&mut self) {
        self.last += 1;
        if self.requests.send(self.last).is_err() {
            tracing::debug!("the thread that syncs the log has ended");
        }
    }

    /// The answer to the last request, if it arrives within `wait`. ReplySender to earlier requests are dropped:
    /// they do not cover all rows.
    pub(in crate::job) fn answer(&mut self, wait: Duration) -> Option<Synced> {
        while let Ok((number, synced)) = self.answers.recv_timeout(wait) {
            if number == self.last {
                return Some(synced);
            }
        }
        None
    }
}
