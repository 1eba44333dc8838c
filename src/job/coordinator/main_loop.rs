//! The thread that owns the order of durability on process 0: it receives commands from operators
//! and services, events from processes and threads, and ends the job.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use driftmill_operators::flow::ShadowDecision;

use super::branch_training::{BranchTraining, Records};
use super::command::{Command, PolicyId, Reply};
use super::durability::Durability;
use super::journal::Journal;
use super::maintenance::Maintenance;
use super::protocol::CoordinatorRequest;
use crate::console::Progress;
use crate::job::branch::history::BranchHistory;
use crate::job::publish::publisher::Publisher;
use crate::job::run::supervise::{End, Stopping};
use crate::job::{Branch, Context, Interrupt, Shadow, StateDirectory};
use crate::report::FiredLine;

/// How long parts of a job may take to stop.
pub(in crate::job) const GRACE: Duration = Duration::from_secs(5);

/// What was read is durable after so long, whatever is decided.
const PERSIST: Duration = Duration::from_secs(1);

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
    pub(in crate::job) fired: Vec<Vec<FiredLine>>,
    /// Decisions whose outcome is not recorded.
    pub(in crate::job) open: usize,
    pub(in crate::job) maintenance: Maintenance,
    pub(in crate::job) faults: Receiver<anyhow::Error>,
}

impl Coordinator {
    /// A coordinator of a run in `state`, whose branches continue from what the catalog holds.
    ///
    /// # Errors
    /// When the recorded evaluation of a branch cannot be read.
    pub(in crate::job) fn new(
        state: StateDirectory,
        durability: Durability,
        publisher: Publisher,
        faults: Receiver<anyhow::Error>,
    ) -> anyhow::Result<Self> {
        let context = Arc::clone(&durability.context);
        let history = |branch: &Arc<Branch>| BranchHistory::restore(branch, &context.partitions);
        let line = |fired: &ShadowDecision| FiredLine::of(fired, context.place(fired.position));
        let fired = |shadow: &Arc<Shadow>| shadow.past().map(line).collect();
        let numbers = 0..context.branches.len();
        Ok(Self {
            state,
            durability,
            publisher,
            journal: Journal::default(),
            trainings: numbers.map(|number| BranchTraining::new(&context, number)).collect(),
            histories: context.branches.iter().map(history).collect::<Result<_, _>>()?,
            fired: context.shadows.iter().map(fired).collect(),
            open: 0,
            maintenance: Maintenance::new(&context),
            faults,
            context,
        })
    }

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
        let (mut stopping, mut persisted) = (Stopping::default(), Instant::now());
        let mut workers_ended = false;
        let ended = loop {
            workers_ended |= finished.try_recv().is_ok();
            match self.turn(workers_ended).and_then(|over| {
                self.look_after(interrupt, &mut persisted)?;
                Ok(over || !stopping.go_on(self, interrupt))
            }) {
                Ok(false) => {}
                ended => break ended.map(drop),
            }
            if let Some(progress) = &mut progress {
                progress.show(&self.context.status);
            }
        };
        if let Some(progress) = progress {
            progress.finish();
        }
        self.finish_upload();
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

    /// Does what is due from time to time.
    fn look_after(&mut self, interrupt: &Interrupt, persisted: &mut Instant) -> anyhow::Result<()> {
        if !interrupt.requested()
            && let Some(gently) = self.durability.peers.asked_to_stop()
        {
            interrupt.request(gently);
        }
        if self.context.sync && persisted.elapsed() > PERSIST {
            self.record_all()?;
            *persisted = Instant::now();
        }
        self.maintenance.run_when_due(&self.state, &mut self.durability.catalog)
    }

    /// Handles what has arrived; whether the job is over: the workers have ended, and all that they
    /// made is where it belongs.
    fn turn(&mut self, workers_ended: bool) -> anyhow::Result<bool> {
        if let Ok(error) = self.faults.try_recv() {
            return Err(error);
        }
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
                let place = self.context.place(fired.position);
                self.fired[shadow].push(FiredLine::of(&fired, place));
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
                    self.maintenance.recorded();
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
            self.maintenance.recorded();
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
            if moved {
                self.maintenance.recorded();
            }
            self.journal.recorded();
        }
        Ok(())
    }

    /// Waits until what is being uploaded is there, but not for long; the next start does the rest.
    fn finish_upload(&mut self) {
        let since = Instant::now();
        while self.maintenance.is_uploading() && since.elapsed() < GRACE {
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
        let catalog = &mut self.durability.catalog;
        self.maintenance.finish(&self.state, catalog, complete)?;
        catalog.set_complete(complete)?;
        Ok(catalog.settle()?)
    }
}
