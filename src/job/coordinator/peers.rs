use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use crossbeam_channel::{Receiver, unbounded};

use super::protocol::{CoordinatorRequest, FollowerEvent, loss};
use crate::cluster::{Cluster, ClusterError, Gathered, Link, Loss, Reason, Wires};
use crate::job::{Context, End};

/// The other processes, as process 0 has them; it asks, they tell.
pub(in crate::job) struct Peers {
    cluster: Cluster,
    links: Vec<Link<CoordinatorRequest>>,
    said: Receiver<(usize, Result<FollowerEvent, Reason>)>,
    flushing: Mutex<()>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The number of the last request to flush.
    flush: u64,
    /// Who has not answered it.
    missing: BTreeSet<usize>,
    lost: Option<Loss>,
    /// Whether somebody asked the job to end, and whether gently.
    stop: Option<bool>,
}

impl Peers {
    /// Links with the processes that were gathered; and their wires.
    pub(in crate::job) fn new(
        cluster: &Cluster,
        gathered: Gathered,
    ) -> Result<(Self, Wires), ClusterError> {
        let (send, said) = unbounded();
        let link = |(number, socket)| {
            let (process, send) = (number + 1, send.clone());
            // the job may be over.
            let hear = move |said| drop(send.send((process, said)));
            let failed = |source| ClusterError::Io { name: cluster.name(process), source };
            Link::start(socket, hear).map_err(failed)
        };
        let links = gathered.links.into_iter().enumerate().map(link).collect::<Result<_, _>>()?;
        let peers = Self {
            cluster: cluster.clone(),
            links,
            said,
            flushing: Mutex::default(),
            state: Mutex::default(),
            changed: Condvar::default(),
        };
        Ok((peers, gathered.wires))
    }

    /// Tells all of them.
    pub(in crate::job) fn ask(&self, request: impl Fn() -> CoordinatorRequest) {
        self.links.iter().for_each(|link| link.tell(request()));
    }

    /// Has them make durable all that they have read; the log then has their rows.
    ///
    /// # Errors
    /// When one of them is lost.
    pub(in crate::job) fn flush(&self) -> Result<(), ClusterError> {
        if self.links.is_empty() {
            return Ok(());
        }
        let _one_at_a_time = self.flushing.lock().expect("no one panics while flushing");
        let mut state = self.state();
        state.flush += 1;
        state.missing = (1..=self.links.len()).collect();
        self.ask(|| CoordinatorRequest::Flush(state.flush));
        let waits = |state: &mut State| state.lost.is_none() && !state.missing.is_empty();
        let state = self.changed.wait_while(state, waits);
        match &state.expect("no one panics while holding the state of peers").lost {
            Some(loss) => Err(self.cluster.lost(loss.clone())),
            None => Ok(()),
        }
    }

    /// Whether a process was asked to end the job, and whether gently.
    pub(in crate::job) fn asked_to_stop(&self) -> Option<bool> {
        self.state().stop
    }

    /// Lets them know how the job ended.
    pub(in crate::job) fn end(&self, end: &anyhow::Result<Option<End>>) {
        self.ask(|| match end {
            Ok(end) => {
                CoordinatorRequest::Over(end.expect("of several processes none begins again alone"))
            }
            Err(error) => CoordinatorRequest::Lost(loss(error, self.cluster.process)),
        });
        self.links.iter().for_each(Link::settle);
    }

    /// Takes in what they say, on a thread of its own, until all are gone.
    pub(in crate::job) fn listen(context: &Arc<Context>) {
        let context = Arc::clone(context);
        std::thread::spawn(move || {
            let peers = &context.coordinator().peers;
            for (process, said) in &peers.said {
                if let Err(error) = peers.heard(&context, process, said) {
                    context.fail(error);
                }
                peers.changed.notify_all();
            }
        });
    }

    fn heard(
        &self,
        context: &Context,
        process: usize,
        said: Result<FollowerEvent, Reason>,
    ) -> anyhow::Result<()> {
        let lost = |loss: Loss| {
            self.state().lost.get_or_insert_with(|| loss.clone());
            Err(self.cluster.lost(loss).into())
        };
        match said {
            Ok(FollowerEvent::Counted(tally)) => context.status.add(tally),
            Ok(FollowerEvent::DeadLetters(dead_letters)) => context.dead_letters(dead_letters)?,
            Ok(FollowerEvent::Durable(flush, lengths)) => {
                context.log.attach(&lengths)?;
                let mut state = self.state();
                if state.flush == flush {
                    state.missing.remove(&process);
                }
            }
            Ok(FollowerEvent::Stop(gently)) => self.state().stop = Some(gently),
            Ok(FollowerEvent::Lost(loss)) => return lost(loss),
            Err(reason) => return lost(Loss { process, reason }),
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no one panics while holding the state of peers")
    }
}
