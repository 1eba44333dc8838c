//! A handle to the thread that runs models.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Sender, bounded};
use driftmill_operators::Matrix;

use super::queue::{Queue, Rank};
use super::worker::{Job, Worker};
use crate::model::ModelTable;
use crate::panics;
use crate::train::{
    FeatureStore, InferJob, Priority, Progress, Score, ScoreJob, TrainError, TrainJob, Trained,
    Training,
};

/// A handle to the thread that owns Burn. Clones share the thread.
///
/// Answers are callbacks on that thread. They must be fast: a send to a channel and a wake-up. After the
/// last handle is dropped, the thread answers waiting jobs and ends.
#[derive(Clone)]
pub struct Runtime(Arc<Handle>);

/// Closes the queue when the last clone is dropped.
struct Handle(Arc<Queue<Job>>);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Runtime {
    /// Opens the device and starts the thread.
    ///
    /// # Errors
    /// When the device is not built in or does not work, or `model` does not fit the rows' schema.
    pub fn start(
        model: ModelTable,
        training: Training,
        features: Arc<dyn FeatureStore>,
    ) -> Result<Self, TrainError> {
        model.accept(features.schema())?;
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads(&model, &training).get())
            .thread_name(|index| format!("model-{index}"))
            .start_handler(|_| panics::forward_from_thread())
            .build()
            .map_err(|error| TrainError::Threads(error.to_string()))?;
        let queue = Arc::new(Queue::new());
        let jobs = queue.clone();
        let (opened, answer) = bounded(1);
        // inside the pool, because Burn uses the pool of the calling thread
        let work = move || {
            let serve =
                || pool.install(|| open_and_serve(model, training, features, jobs, &opened));
            if let Err(message) = panics::catch(serve) {
                panic!("the model runtime ended: {message}");
            }
        };
        thread::Builder::new()
            .name("model-runtime".to_owned())
            .spawn(work)
            .map_err(|error| TrainError::Threads(error.to_string()))?;
        answer.recv().unwrap_or(Err(TrainError::Stopped))?;
        Ok(Self(Arc::new(Handle(queue))))
    }

    /// Trains. `progress` is called after every step.
    pub fn train(
        &self,
        job: TrainJob,
        progress: impl Fn(Progress) + Send + 'static,
        reply: impl FnOnce(Result<Trained, TrainError>) + Send + 'static,
    ) {
        self.push(Rank::Training, Job::Train(job, Box::new(progress), Box::new(reply)));
    }

    /// Infers one row for each sample. Without samples, the matrix has no columns.
    pub fn infer(
        &self,
        priority: Priority,
        job: InferJob,
        reply: impl FnOnce(Result<Matrix, TrainError>) + Send + 'static,
    ) {
        let rank = match priority {
            Priority::Decision => Rank::Decision,
            Priority::Background => Rank::Background,
        };
        self.push(rank, Job::Infer(rank, job, Box::new(reply)));
    }

    /// Scores each sample, in the background.
    pub fn score(
        &self,
        job: ScoreJob,
        reply: impl FnOnce(Result<Vec<Score>, TrainError>) + Send + 'static,
    ) {
        self.push(Rank::Background, Job::Score(job, Box::new(reply)));
    }

    /// Ends the thread at the next batch. Waiting and running jobs get [`TrainError::Stopped`].
    pub fn stop(&self) {
        self.0.0.stop();
    }

    fn push(&self, rank: Rank, job: Job) {
        if let Err(job) = self.0.0.push(rank, job) {
            job.reject();
        }
    }
}

fn threads(model: &ModelTable, training: &Training) -> NonZeroUsize {
    let default = if model.is_parallel() {
        thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
    } else {
        NonZeroUsize::MIN
    };
    training.threads.unwrap_or(default)
}

fn open_and_serve(
    model: ModelTable,
    training: Training,
    features: Arc<dyn FeatureStore>,
    jobs: Arc<Queue<Job>>,
    opened: &Sender<Result<(), TrainError>>,
) {
    let answer = |result| {
        // the starter waits for this answer
        opened.send(result).expect("the starter waits for the answer");
    };
    match Worker::open(model, training, features, jobs) {
        Ok(worker) => {
            answer(Ok(()));
            worker.serve();
        }
        Err(error) => answer(Err(error)),
    }
}
