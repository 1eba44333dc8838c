//! The thread that runs models.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use burn::tensor::Device;
use driftmill_operators::Matrix;

use super::device;
use super::output_cache::OutputCache;
use super::queue::{Queue, Rank};
use crate::model::{ModelTable, Network, Random};
use crate::panics;
use crate::train::{
    FeatureStore, InferJob, Progress, Score, ScoreJob, TrainError, TrainJob, Trained, Training,
    Weights,
};

/// Number of cached networks: the current version and one for each of a few branches.
const NETWORKS: usize = 4;

/// The callback that receives a result.
pub(in crate::train) type Reply<T> = Box<dyn FnOnce(Result<T, TrainError>) + Send>;

/// A job with the callbacks for its answer.
pub(in crate::train) enum Job {
    Train(TrainJob, Box<dyn Fn(Progress) + Send>, Reply<Trained>),
    Infer(Rank, InferJob, Reply<Matrix>),
    Score(ScoreJob, Reply<Vec<Score>>),
}

impl Job {
    /// Answers that the runtime was stopped.
    pub(in crate::train) fn reject(self) {
        match self {
            Self::Train(_, _, reply) => reply(Err(TrainError::Stopped)),
            Self::Infer(_, _, reply) => reply(Err(TrainError::Stopped)),
            Self::Score(_, reply) => reply(Err(TrainError::Stopped)),
        }
    }
}

/// The state of the runtime's thread.
pub(in crate::train) struct Worker {
    pub(in crate::train) model: ModelTable,
    pub(in crate::train) training: Training,
    pub(in crate::train) features: Arc<dyn FeatureStore>,
    pub(in crate::train) device: Device,
    jobs: Arc<Queue<Job>>,
    /// Networks by digest, the most recently used last.
    networks: RefCell<VecDeque<(String, Rc<dyn Network>)>>,
    /// The cache of outputs for policies.
    pub(in crate::train) answers: RefCell<OutputCache>,
}

impl Worker {
    /// Opens the device.
    pub(in crate::train) fn open(
        model: ModelTable,
        training: Training,
        features: Arc<dyn FeatureStore>,
        jobs: Arc<Queue<Job>>,
    ) -> Result<Self, TrainError> {
        let device = device::open(training.device)?;
        let (networks, answers) = Default::default();
        Ok(Self { model, training, features, device, jobs, networks, answers })
    }

    /// Does jobs until the queue is closed.
    pub(in crate::train) fn serve(&self) {
        while let Some(job) = self.jobs.pop() {
            self.run(job);
        }
    }

    /// Runs urgent jobs between two batches of a job of `rank`.
    pub(in crate::train) fn pause(&self, rank: Rank) -> Result<(), TrainError> {
        if rank != Rank::Decision {
            // only jobs that are waiting now: otherwise this job might never continue
            for _ in 0..self.jobs.len(Rank::Decision) {
                self.run_one(Rank::Decision);
            }
        }
        if self.jobs.is_stopped() { Err(TrainError::Stopped) } else { Ok(()) }
    }

    /// Runs the next job of `rank`, if there is one.
    pub(in crate::train) fn run_one(&self, rank: Rank) {
        if let Some(job) = self.jobs.try_pop(rank) {
            self.run(job);
        }
    }

    /// Creates a network with new weights for `seed`.
    pub(in crate::train) fn new_network(&self, seed: u64) -> Box<dyn Network> {
        let mut random = Random::new("initial weights", [self.training.seed, seed]);
        self.model.init(self.features.schema(), &self.device, &mut random)
    }

    /// Creates a separate network with `weights`.
    pub(in crate::train) fn load(&self, weights: &Weights) -> Result<Box<dyn Network>, TrainError> {
        let mut network = self.new_network(0);
        network.load(weights.bytes().to_vec())?;
        Ok(network)
    }

    /// The cached network with `weights`, which is created if necessary.
    pub(in crate::train) fn network(
        &self,
        weights: &Weights,
    ) -> Result<Rc<dyn Network>, TrainError> {
        let mut networks = self.networks.borrow_mut();
        let found = networks.iter().position(|(sha256, _)| sha256 == weights.sha256());
        let entry = match found.and_then(|index| networks.remove(index)) {
            Some(entry) => entry,
            None => (weights.sha256().to_owned(), Rc::from(self.load(weights)?)),
        };
        let network = entry.1.clone();
        networks.push_back(entry);
        if networks.len() > NETWORKS {
            networks.pop_front();
        }
        Ok(network)
    }

    fn run(&self, job: Job) {
        if self.jobs.is_stopped() {
            return job.reject();
        }
        match job {
            Job::Train(job, progress, reply) => {
                answer(reply, caught(|| self.train(&job, &*progress)));
            }
            Job::Infer(rank, job, reply) => answer(reply, caught(|| self.infer(&job, rank))),
            Job::Score(job, reply) => answer(reply, caught(|| self.score(&job))),
        }
    }
}

/// The result of `work`, with a panic as an error.
///
/// After a panic, networks that are being trained are dropped with the job. Cached networks never change.
fn caught<T>(work: impl FnOnce() -> Result<T, TrainError>) -> Result<T, TrainError> {
    panics::catch(work).unwrap_or_else(|message| Err(TrainError::Panicked { message }))
}

/// Calls `reply`. A panic in it does not affect other jobs.
fn answer<T>(reply: Reply<T>, result: Result<T, TrainError>) {
    if let Err(message) = panics::catch(|| reply(result)) {
        tracing::error!("the receiver of a result of the model runtime panicked: {message}");
    }
}
