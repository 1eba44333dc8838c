//! Dead letters on their way to a file or a topic, written by a separate thread.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::Builder;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};
use parking_lot::Mutex;

use super::destination::Destination;
use super::file::Lines;
use super::kafka::Topic;
use super::tally::{MostFrequentError, Tally};
use super::{DeadLetter, DeadLetterError, DeadLetters, OnError};
use crate::failpoint::Failpoint;
use crate::outage::CancellationToken;

/// Time limit of one request to sync.
const SYNC: Duration = Duration::from_millis(200);

/// A queue of invalid messages. Writing never blocks: a pipe without a reader or an unavailable broker
/// blocks only a separate thread.
pub struct DeadLetterQueue {
    run: String,
    fails: bool,
    /// Most bytes of dead letters with one class of error.
    max_bytes: u64,
    tally: Mutex<Tally>,
    stop: CancellationToken,
    state: Mutex<State>,
    /// Number of dead letters that are not written yet.
    pending: Arc<AtomicUsize>,
}

enum State {
    /// There is no destination.
    None,
    /// The thread is started with the first dead letter.
    Idle(Box<dyn Destination>),
    Running(Running),
}

struct Running {
    requests: Sender<Request>,
    /// The pending answer to the last request to sync.
    syncing: Option<Receiver<Result<bool, DeadLetterError>>>,
    /// Whether something was written since the last request to sync.
    written: bool,
    /// Whether everything written is durable.
    durable: bool,
}

enum Request {
    Write(Vec<DeadLetter>),
    Sync(Sender<Result<bool, DeadLetterError>>),
}

impl DeadLetterQueue {
    /// Opens the destination of the dead letters of `run`, whose state directory is `state`.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub fn open(
        config: &DeadLetters,
        run: &str,
        state: &Path,
        stop: &CancellationToken,
    ) -> Result<Self, DeadLetterError> {
        let destination: Option<Box<dyn Destination>> = match (config.on_error, &config.topic) {
            (OnError::Skip | OnError::Fail, _) => None,
            (OnError::DeadLetter, Some(topic)) => Some(Box::new(Topic::open(config, topic, stop)?)),
            (OnError::DeadLetter, None) => Some(Box::new(Lines::open(&config.file_in(state))?)),
        };
        let state = destination.map_or(State::None, State::Idle);
        Ok(Self {
            run: run.to_owned(),
            fails: config.on_error == OnError::Fail,
            max_bytes: config.max_bytes.0.0,
            tally: Mutex::default(),
            stop: stop.clone(),
            state: Mutex::new(state),
            pending: Arc::default(),
        })
    }

    /// Adds dead letters. They are durable after [`DeadLetterQueue::sync`].
    ///
    /// # Errors
    /// When an invalid message ends the job, or the thread cannot be started.
    pub fn write(&self, mut dead_letters: Vec<DeadLetter>) -> Result<(), DeadLetterError> {
        if self.fails && !dead_letters.is_empty() {
            return Err(DeadLetterError::Fail(Box::new(dead_letters.swap_remove(0))));
        }
        let mut tally = self.tally.lock();
        dead_letters.retain(|dead_letter| tally.admit(dead_letter, self.max_bytes));
        drop(tally);
        if dead_letters.is_empty() {
            return Ok(());
        }
        let mut state = self.state.lock();
        if let State::Idle(_) = &*state
            && let State::Idle(destination) = std::mem::replace(&mut *state, State::None)
        {
            *state = State::Running(self.start(destination));
        }
        if let State::Running(running) = &mut *state {
            dead_letters.iter_mut().for_each(|it| it.run.clone_from(&self.run));
            self.pending.fetch_add(dead_letters.len(), Ordering::SeqCst);
            (running.written, running.durable) = (true, false);
            // if the thread has ended, sync reports the reason.
            drop(running.requests.send(Request::Write(dead_letters)));
        }
        Ok(())
    }

    /// The commonest class of errors since the start.
    pub fn most_frequent(&self) -> Option<MostFrequentError> {
        self.tally.lock().most_frequent()
    }

    /// Number of dead letters that are not written yet.
    pub fn pending(&self) -> usize {
        self.pending.load(Ordering::SeqCst)
    }

    /// Removes the run's dead letters that are not `known`: a crash left them, and their messages are read
    /// again. Topics do not change. Must be called before anything is written.
    ///
    /// # Errors
    /// When they cannot be removed.
    pub fn retain(&self, known: &dyn Fn(&DeadLetter) -> bool) -> Result<(), DeadLetterError> {
        match &mut *self.state.lock() {
            State::Idle(destination) => {
                destination.retain(&|dead_letter| dead_letter.run != self.run || known(dead_letter))
            }
            State::None | State::Running(_) => Ok(()),
        }
    }

    /// Waits until all dead letters are durable, at most for `time`. Returns whether they are.
    ///
    /// # Errors
    /// When they cannot become durable.
    pub fn sync(&self, time: Duration) -> Result<bool, DeadLetterError> {
        match &mut *self.state.lock() {
            State::Running(running) => running.sync(time),
            State::None | State::Idle(_) => Ok(true),
        }
    }

    fn start(&self, mut destination: Box<dyn Destination>) -> Running {
        let (requests, received) = unbounded();
        let (stop, pending) = (self.stop.clone(), Arc::clone(&self.pending));
        let work = move || {
            let mut failed = None;
            for request in received {
                match request {
                    Request::Write(dead_letters) if failed.is_none() => {
                        Failpoint::DeadLettersWrite.reach();
                        let write = || Ok(destination.write(&dead_letters)?);
                        failed = stop.retry_while_full(write).err();
                        pending.fetch_sub(dead_letters.len(), Ordering::SeqCst);
                    }
                    Request::Write(dead_letters) => {
                        pending.fetch_sub(dead_letters.len(), Ordering::SeqCst);
                    }
                    Request::Sync(answer) => {
                        let result = match failed.take() {
                            Some(error) => {
                                Err(error.downcast().unwrap_or_else(DeadLetterError::Other))
                            }
                            None => destination.sync(SYNC),
                        };
                        // the coordinator may have ended.
                        drop(answer.send(result));
                    }
                }
            }
        };
        let thread = Builder::new().name("dead-letters".to_owned()).spawn(work);
        if let Err(error) = thread {
            tracing::error!("starting the thread for dead letters: {error}");
        }
        Running { requests, syncing: None, written: false, durable: true }
    }
}

impl Running {
    fn sync(&mut self, time: Duration) -> Result<bool, DeadLetterError> {
        if self.durable {
            return Ok(true);
        }
        if self.syncing.is_none() {
            let (send, answer) = bounded(1);
            drop(self.requests.send(Request::Sync(send)));
            (self.syncing, self.written) = (Some(answer), false);
        }
        let Some(syncing) = &self.syncing else { return Ok(false) };
        let answer = match syncing.recv_timeout(time) {
            Err(RecvTimeoutError::Timeout) => return Ok(false),
            Err(RecvTimeoutError::Disconnected) => {
                let ended = anyhow::anyhow!("the thread for dead letters has ended");
                return Err(DeadLetterError::Other(ended));
            }
            Ok(answer) => answer,
        };
        self.syncing = None;
        // an answer does not cover data that was written after the request.
        self.durable = answer? && !self.written;
        Ok(self.durable)
    }
}
