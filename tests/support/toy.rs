//! Synthetic samples, and a runtime with blocking calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use driftmill::model::ModelTable;
use driftmill::train::{
    FeatureStore, FeatureStoreError, InferJob, Output, Priority, Runtime, Score, ScoreJob,
    TrainError, TrainJob, Trained, Training, TrainingRow, Weights,
};
use driftmill_datasets::{Schema, ValueType, Values};
use driftmill_operators::{Id, Matrix};

/// Time limit for an answer of the runtime.
const ANSWER: Duration = Duration::from_secs(120);

/// Waits for the next value of a channel.
pub(crate) fn receive<T>(what: &str, values: &Receiver<T>) -> T {
    let received = values.recv_timeout(ANSWER);
    received.unwrap_or_else(|error| panic!("waited {ANSWER:?} in vain for {what}: {error}"))
}

/// Samples that are a function of their id: two classes, which differ in brightness.
pub(crate) struct Toy(pub(crate) Schema);

impl Toy {
    /// Rows of four floats.
    pub(crate) fn rows() -> Self {
        Self(Schema { value: ValueType::F32, shape: vec![4] })
    }

    /// Grey images of 16 × 16 bytes.
    pub(crate) fn images() -> Self {
        Self(Schema { value: ValueType::U8, shape: vec![1, 16, 16] })
    }

    /// The class of sample `id`.
    pub(crate) fn label(id: Id) -> u32 {
        (id.offset() % 2) as u32
    }

    /// Value `index` of sample `id`, as a byte.
    pub(crate) fn byte(id: Id, index: usize) -> u8 {
        let noise = (id.0 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(index as u32) >> 57;
        (noise + u64::from(Self::label(id)) * 96) as u8
    }
}

impl FeatureStore for Toy {
    fn schema(&self) -> &Schema {
        &self.0
    }

    fn gather(&self, ids: &[Id], values: &mut Values) -> Result<(), FeatureStoreError> {
        for id in ids {
            if id.partition() == 404 {
                return Err(FeatureStoreError { id: *id, source: "it is missing".into() });
            }
            assert_ne!(id.partition(), 500, "the store fell over");
            let bytes = (0..self.0.width()).map(|index| Self::byte(*id, index));
            match values {
                Values::F32(values) => values.extend(bytes.map(|byte| f32::from(byte) / 255.0)),
                Values::U8(values) => values.extend(bytes),
            }
        }
        Ok(())
    }
}

/// Counts the samples whose features are gathered.
pub(crate) struct Counting(pub(crate) Toy, pub(crate) Arc<AtomicUsize>);

impl FeatureStore for Counting {
    fn schema(&self) -> &Schema {
        self.0.schema()
    }

    fn gather(&self, ids: &[Id], values: &mut Values) -> Result<(), FeatureStoreError> {
        self.1.fetch_add(ids.len(), Ordering::Relaxed);
        self.0.gather(ids, values)
    }
}

/// The first `count` samples.
pub(crate) fn ids(count: u64) -> Vec<Id> {
    (0..count).map(|offset| Id::new(0, 0, offset)).collect()
}

/// A training on the first `count` samples.
pub(crate) fn job(count: u64) -> TrainJob {
    let row = |id| TrainingRow { id, label: Toy::label(id), weight: 1.0 };
    TrainJob {
        rows: ids(count).into_iter().map(row).collect(),
        start: None,
        seed: 1,
        first: true,
        ..TrainJob::default()
    }
}

/// The model in a TOML table.
pub(crate) fn model(text: &str) -> ModelTable {
    toml::from_str(text).expect("the table is right")
}

/// The training in a TOML table.
pub(crate) fn training(text: &str) -> Training {
    toml::from_str(text).expect("the table is right")
}

/// A runtime whose methods wait for the answers.
pub(crate) struct Waiting(pub(crate) Runtime);

impl Waiting {
    pub(crate) fn start(model: &str, training: &str, rows: impl FeatureStore + 'static) -> Self {
        Self(
            Runtime::start(self::model(model), self::training(training), Arc::new(rows))
                .expect("the runtime starts"),
        )
    }

    pub(crate) fn train(&self, job: TrainJob) -> Result<Trained, TrainError> {
        let (send, answer) = channel();
        self.0.train(job, |_| (), move |result| send.send(result).expect("we wait"));
        receive("the runtime", &answer)
    }

    /// Infers outputs that are not cached.
    pub(crate) fn infer(&self, weights: &Weights, ids: &[Id], output: Output) -> Matrix {
        self.ask(weights, ids, output, Priority::Background)
    }

    pub(crate) fn ask(
        &self,
        weights: &Weights,
        ids: &[Id],
        output: Output,
        priority: Priority,
    ) -> Matrix {
        let (send, answer) = channel();
        let job = InferJob { weights: weights.clone(), ids: ids.to_vec(), output };
        self.0.infer(priority, job, move |result| send.send(result).expect("we wait"));
        receive("the runtime", &answer).expect("the job works")
    }

    pub(crate) fn score(&self, weights: &Weights, ids: &[Id]) -> Vec<Score> {
        let (send, answer) = channel();
        let labels = ids.iter().map(|id| Toy::label(*id)).collect();
        let job = ScoreJob { weights: weights.clone(), ids: ids.to_vec(), labels };
        self.0.score(job, move |result| send.send(result).expect("we wait"));
        receive("the runtime", &answer).expect("the job works")
    }
}
