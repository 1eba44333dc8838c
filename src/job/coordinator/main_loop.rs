//! The thread that owns the order of durability on process 0: it receives commands from operators
//! and services, events from processes and threads, and ends the job.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;

use super::branch_training::{BranchTraining, Records};
use super::command::{Command, PolicyId, Reply};
use super::durability::Durability;
use super::journal::Journal;
use super::protocol::CoordinatorRequest;
use crate::catalog::Catalog;
use crate::console::Progress;
use crate::job::branch::history::BranchHistory;
use crate::job::maintenance::tiering::{Uploading, upload_all};
use crate::job::publish::publisher::Publisher;
use crate::job::run::supervise::{End, Stopping};
use crate::job::{Context, Interrupt, StateDirectory};
use crate::outage::is_full;

/// How long parts of a job may take to stop.
pub(in crate::job) const GRACE: Duration = Duration::from_secs(5);

/// What was read is durable after so long, whatever is decided.
const PERSIST: Duration = Duration::from_secs(1);

/// How often retention and the object store are looked after.
const MAINTAIN: Duration = Duration::from_secs(5);

/// Dead letters that may wait to be written before ingestion pauses.
const MAX_DEAD_LETTERS: usize = 10_000;

/// The longest wait for a command.
const MOMENT: Duration = Duration::from_millis(20);

/// What process 0 alone has.
pub(in crate::job) struct Coordinator {
    pub(in crate::job) context: Arc<Context>,
    pub(in crate::job) state: StateDirectory,
    pub(in crate::job) durability: Durability,
    pub(in crate::job) publisher: Publisher,
    pub(in crate::job) journal: Journal,
    pub(in crate::job) trainings: Vec<BranchTraining>,
    pub(in crate::job) histories: Vec<BranchHistory>,
    pub(in crate::job) open: usize,
    pub(in crate::job) recorded: bool,
    pub(in crate::job) faults: Receiver<anyhow::Error>,
}

impl Coordinator {
    /// Works until the job ends, and says why it ended; none if the run is to be opened again.
    ///
    /// # Errors
    /// When a part of the job fails, or another process is lost.
    pub(in crate::job) fn until_end(
        &mut self,
        finished: &Receiver<()>,
        interrupt: &Interrupt,
        show: bool,
    ) -> anyhow::Result<Option<End>> {
        let mut progress = show.then(Progress::start);
        let mut stopping = Stopping::default();
        let (mut persisted, mut maintained) = (Instant::now(), Instant::now());
        let (mut uploading, mut shown) = (Uploading::default(), Instant::now());
        let mut workers_ended = false;
        let ended = loop {
            if let Ok(error) = self.faults.try_recv() {
                break Err(error);
            }
            workers_ended |= finished.try_recv().is_ok();
            match self.turn(workers_ended) {
                Ok(false) if stopping.go_on(self, interrupt) => {}
                Ok(_) => break Ok(()),
                Err(error) => break Err(error),
            }
            if !interrupt.requested()
                && let Some(gently) = self.durability.peers.asked_to_stop()
            {
                interrupt.request(gently);
            }
            if self.context.sync && persisted.elapsed() > PERSIST {
                if let Err(error) = self.record_all() {
                    break Err(error);
                }
                persisted = Instant::now();
            }
            if maintained.elapsed() > MAINTAIN {
                if let Err(error) = self.maintain(&mut uploading) {
                    break Err(error);
                }
                maintained = Instant::now();
            }
            if let Some(progress) = progress.as_mut().filter(|_| shown.elapsed() > MOMENT * 2) {
                progress.show(&self.context.status);
                shown = Instant::now();
            }
        };
        if let Some(progress) = progress {
            progress.finish();
        }
        self.finish_upload(&uploading);
        if ended.is_err() {
            self.context.stop();
            // the next run on this state finds nobody who still writes; of several processes each
            // ends separately.
            if self.context.cluster.is_single() && !workers_ended {
                let _still_running = finished.recv_timeout(GRACE);
            }
        }
        self.publisher.stop();
        let end = End::of(interrupt, self.context.grown());
        // an error on the last steps may arrive together with the end.
        match self.faults.try_recv() {
            Ok(error) if ended.is_ok() && !interrupt.requested() => Err(error),
            _ => ended.map(|()| end),
        }
    }

    /// Handles what has arrived; whether the job is over: the workers have ended, and all that they
    /// made is where it belongs.
    fn turn(&mut self, workers_ended: bool) -> anyhow::Result<bool> {
        let until = Instant::now() + MOMENT;
        let mut idle = false;
        while !idle && Instant::now() < until {
            self.durability.peers.poll(&self.context, &self.durability.dead_letters)?;
            // more commands wait in the queue, which makes ingestion pause.
            if self.durability.dead_letters.pending() > MAX_DEAD_LETTERS {
                std::thread::sleep(MOMENT);
                break;
            }
            match self.durability.inbox.next(MOMENT) {
                // it waits for dead letters in the queue, or nobody could end the job meanwhile.
                Some(command @ Command::Decision { .. })
                    if self.takes_decisions() && !self.durability.is_ready()? =>
                {
                    self.durability.inbox.put_back(command);
                    break;
                }
                Some(command) => self.handle(command)?,
                None => idle = true,
            }
        }
        Ok(workers_ended
            && idle
            && self.publisher.pending() == 0
            && self.durability.dead_letters.sync(MOMENT)?)
    }

    fn handle(&mut self, command: Command) -> anyhow::Result<()> {
        match command {
            Command::DeadLetters(dead_letters) => {
                self.context.write_dead_letters(&self.durability.dead_letters, dead_letters)?;
            }
            Command::Checkpoint(policy, checkpoint) => {
                self.journal.entries(policy).checkpoint(*checkpoint);
            }
            Command::TriggerEvaluation(policy, evaluation) => {
                self.journal.entries(policy).looks.push(*evaluation);
            }
            Command::ShadowDecision(shadow, fired) => {
                self.journal.entries(PolicyId::Shadow(shadow)).fired.push(*fired);
            }
            Command::Decision { branch, set, reply } => {
                if self.takes_decisions() {
                    self.open += 1;
                    let (training, mut records) = self.training(branch);
                    let outcome = training.decide(*set, reply.clone(), &mut records)?;
                    self.answer(outcome, &reply);
                }
            }
            Command::Trained { branch, answer, reply } => {
                if !self.context.stopping() {
                    let (training, mut records) = self.training(branch);
                    let outcome = training.finish(*answer, &mut records)?;
                    self.recorded = true;
                    self.answer(Some(outcome), &reply);
                }
            }
            Command::Scores { branch, scores } => self.histories[branch].scored(&scores),
            Command::Flush(done) => {
                self.durability.flush()?;
                done();
            }
            Command::Published { sink, version, bookmark } => {
                self.durability
                    .write(|catalog| catalog.published(sink, version, bookmark.as_deref()))?;
                self.publisher.recorded();
            }
            Command::Catalog(ask) => ask(&mut self.durability.catalog),
        }
        Ok(())
    }

    /// Nothing new is started while the job winds down or stops.
    fn takes_decisions(&self) -> bool {
        !self.context.is_winding_down() && !self.context.stopping()
    }

    fn training(&mut self, branch: usize) -> (&mut BranchTraining, Records<'_>) {
        let records = Records {
            durability: &mut self.durability,
            journal: &mut self.journal,
            history: &mut self.histories[branch],
            publisher: &self.publisher,
        };
        (&mut self.trainings[branch], records)
    }

    fn answer(&mut self, outcome: Option<driftmill_operators::trigger::Outcome>, reply: &Reply) {
        if let Some(outcome) = outcome {
            self.open -= 1;
            self.recorded = true;
            reply.give(outcome);
        }
    }

    /// Starts nothing new from now on; whether a training still runs that was started before.
    pub(in crate::job) fn winding_down(&self) -> bool {
        if self.context.wind_down() {
            self.durability.peers.ask(|| CoordinatorRequest::WindDown);
        }
        self.open > 0
    }

    /// Stops all workers and processes.
    pub(in crate::job) fn stop(&self) {
        self.context.stop();
        self.durability.peers.ask(|| CoordinatorRequest::Stop);
    }

    /// Makes all that was read durable, and the state of policies, if there is room for it and no
    /// dead letters keep it waiting.
    fn record_all(&mut self) -> anyhow::Result<()> {
        // taken before the log is synced, which then has all that they have seen.
        let entries = self.journal.policy_entries(&self.context, &self.histories);
        let moved = entries.iter().any(|entry| entry.standing.is_some());
        if self.durability.try_commit(|catalog, durable| catalog.observed(durable, &entries))? {
            drop(entries);
            self.recorded |= moved;
            self.journal.recorded();
        }
        Ok(())
    }

    fn maintain(&mut self, uploading: &mut Uploading) -> anyhow::Result<()> {
        match self.retain() {
            // what it would record can wait until there is room.
            Err(error) if !is_full(error.as_ref()) => return Err(error),
            _ => {}
        }
        uploading.go_on(&self.context)
    }

    fn retain(&mut self) -> anyhow::Result<()> {
        if !self.recorded || self.context.pipeline.retention.keeps_all() {
            return Ok(());
        }
        self.recorded = false;
        let view = Catalog::view(&self.state.catalog())?;
        self.context.retain(&view, self.state.path(), &mut self.durability.catalog)
    }

    /// Waits until what is being uploaded is there, but not for long; the next start does the rest.
    fn finish_upload(&mut self, uploading: &Uploading) {
        let since = Instant::now();
        while uploading.is_running() && since.elapsed() < GRACE {
            // the upload waits for the catalog.
            let command = self.durability.inbox.next(MOMENT);
            if let Some(Err(error)) = command.map(|command| self.handle(command)) {
                return self.context.fail(error);
            }
        }
    }

    /// Records the end of the job, `complete` if it is that of the stream.
    ///
    /// # Errors
    /// When the catalog or the log cannot be written.
    pub(in crate::job) fn close(&mut self, complete: bool) -> anyhow::Result<()> {
        self.record_all()?;
        for (branch, history) in self.context.branches.iter().zip(&self.histories) {
            let evaluation = history.evaluation(branch, &self.context);
            self.durability.catalog.evaluated(&branch.name, &evaluation)?;
        }
        self.recorded = true;
        self.retain()?;
        if complete {
            upload_all(&self.context, &mut self.durability.catalog)?;
        }
        let catalog = &mut self.durability.catalog;
        catalog.set_complete(complete)?;
        Ok(catalog.settle()?)
    }
}
