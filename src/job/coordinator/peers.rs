//! The followers of a job, as seen by process 0.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, unbounded};

use super::protocol::{CoordinatorRequest, FollowerEvent, loss};
use crate::cluster::{Cluster, ClusterError, Gathered, Link, Loss, Reason, Wires};
use crate::dead_letters::DeadLetterQueue;
use crate::job::run::interrupt::GRACE;
use crate::job::{Context, End, Interrupt};

/// Time limit for a follower to make its records durable.
const FLUSH_LIMIT: Duration = Duration::from_secs(120);

/// The followers. Process 0 sends them requests and receives their events.
pub(in crate::job) struct Peers {
    cluster: Cluster,
    links: Vec<Link<CoordinatorRequest>>,
    events: Receiver<Event>,
    /// The number of the last request to flush.
    flush: u64,
    /// Whether a follower was asked to end the job, and whether gently.
    stop: Option<bool>,
}

/// An event of a follower, or the reason why there are no more events.
type Event = (usize, Result<FollowerEvent, Reason>);

impl Peers {
    /// Creates links with the processes that were gathered, and returns their connections for the dataflow.
    pub(in crate::job) fn new(
        cluster: &Cluster,
        gathered: Gathered,
    ) -> Result<(Self, Wires), ClusterError> {
        let (send, events) = unbounded();
        let link = |(number, socket)| {
            let (process, send) = (number + 1, send.clone());
            // the receiver may be missing because the job is over.
            let on_message = move |event| drop(send.send((process, event)));
            let failed = |source| ClusterError::Io { name: cluster.name(process), source };
            Link::start(socket, on_message).map_err(failed)
        };
        let links = gathered.links.into_iter().enumerate().map(link).collect::<Result<_, _>>()?;
        let peers = Self { cluster: cluster.clone(), links, events, flush: 0, stop: None };
        Ok((peers, gathered.wires))
    }

    /// Sends a request to all followers.
    pub(in crate::job) fn ask(&self, request: impl Fn() -> CoordinatorRequest) {
        self.links.iter().for_each(|link| link.send(request()));
    }

    /// Has all followers make their records durable, and attaches their rows to the log. Handles all other
    /// events meanwhile. Returns false if the job fails, or if it is interrupted and a follower does not
    /// answer within the time limit for stopping.
    ///
    /// # Errors
    /// When a follower is lost, or does not answer in time.
    pub(in crate::job) fn flush(
        &mut self,
        context: &Context,
        dead_letters: &DeadLetterQueue,
        interrupt: &Interrupt,
    ) -> anyhow::Result<bool> {
        if self.links.is_empty() {
            return Ok(true);
        }
        self.flush += 1;
        let (flush, since) = (self.flush, Instant::now());
        self.ask(|| CoordinatorRequest::Flush(flush));
        let mut missing: BTreeSet<usize> = (1..=self.links.len()).collect();
        while let Some(first) = missing.first() {
            match self.events.recv_timeout(Duration::from_millis(100)) {
                Ok(event) => {
                    let process = event.0;
                    if self.handle(context, dead_letters, event)? == Some(flush) {
                        missing.remove(&process);
                    }
                }
                Err(RecvTimeoutError::Timeout)
                    if context.failed() || (interrupt.requested() && since.elapsed() > GRACE) =>
                {
                    return Ok(false);
                }
                Err(RecvTimeoutError::Timeout) if since.elapsed() < FLUSH_LIMIT => {}
                Err(_) => {
                    let text = format!(
                        "did not write its samples to disk within {} s",
                        FLUSH_LIMIT.as_secs()
                    );
                    let (process, reason) = (*first, Reason::Failed(text));
                    return Err(self.cluster.lost(Loss { process, reason }).into());
                }
            }
        }
        Ok(true)
    }

    /// Handles the events that have arrived.
    ///
    /// # Errors
    /// When a follower is lost, or its dead letters cannot be written.
    pub(in crate::job) fn poll(
        &mut self,
        context: &Context,
        dead_letters: &DeadLetterQueue,
    ) -> anyhow::Result<()> {
        while let Ok(event) = self.events.try_recv() {
            self.handle(context, dead_letters, event)?;
        }
        Ok(())
    }

    /// Whether a follower was asked to end the job, and whether gently.
    pub(in crate::job) fn asked_to_stop(&self) -> Option<bool> {
        self.stop
    }

    /// Reports the end of the job to all followers.
    pub(in crate::job) fn end(&self, end: &anyhow::Result<Option<End>>) {
        self.ask(|| match end {
            Ok(end) => CoordinatorRequest::Over(
                end.expect("a job of several processes never reopens its run"),
            ),
            Err(error) => CoordinatorRequest::Lost(loss(error, self.cluster.process)),
        });
        self.links.iter().for_each(Link::settle);
    }

    /// Handles one event. Returns the number of the request to flush that it answers.
    fn handle(
        &mut self,
        context: &Context,
        dead_letters: &DeadLetterQueue,
        event: Event,
    ) -> anyhow::Result<Option<u64>> {
        let (process, event) = event;
        let lost = |loss| Err(self.cluster.lost(loss).into());
        match event {
            Ok(FollowerEvent::Counted(tally)) => context.status.add(tally),
            Ok(FollowerEvent::DeadLetters(letters)) => {
                dead_letters.write(letters)?;
            }
            Ok(FollowerEvent::Durable(flush, lengths)) => {
                context.log.attach(&lengths)?;
                return Ok(Some(flush));
            }
            Ok(FollowerEvent::Stop(gently)) => self.stop = Some(gently),
            Ok(FollowerEvent::Lost(loss)) => return lost(loss),
            Err(reason) => return lost(Loss { process, reason }),
        }
        Ok(None)
    }
}
