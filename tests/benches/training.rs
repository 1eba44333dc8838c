//! Speed of training and inference in the runtime, from a job to its answer.
//!
//! ```text
//! cargo bench --bench training                 # samples per second
//! cargo bench --bench training -- --torch      # and PyTorch's, in alternating rounds, with ratios
//! ```
//!
//! The last line of a model is the time of choosing from each batch (a quarter, by the loss), in forward
//! passes through all candidates.
//!
//! Rounds alternate because the speed of a shared machine drifts. Ratios are ratios of medians.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

mod python;

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Instant;

use driftmill::train::{
    Downsampling, FeatureStore, FeatureStoreError, InferJob, Output, Priority, Runtime, Stage,
    TrainJob, Trained, TrainingRow, Weights,
};
use driftmill_datasets::{Schema, ValueType, Values};
use driftmill_operators::Id;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 5;

/// A measured case: a model, its samples, and a number of samples that takes a second or two.
struct Case {
    name: &'static str,
    model: &'static str,
    shape: &'static [usize],
    classes: u64,
    batch: usize,
    train: u64,
    infer: u64,
}

const CASES: [Case; 2] = [
    Case {
        name: "mlp",
        model: "[mlp]\nhidden = [256, 256]\nclasses = 10",
        shape: &[64],
        classes: 10,
        batch: 128,
        train: 256_000,
        infer: 512_000,
    },
    Case {
        name: "yearbook_net",
        model: "[yearbook_net]",
        shape: &[1, 32, 32],
        classes: 2,
        batch: 64,
        train: 6_400,
        infer: 25_600,
    },
];

/// A table of 4,096 samples in memory. Larger ids wrap around.
struct Table(Schema, Vec<f32>);

impl Table {
    const ROWS: usize = 4096;

    fn new(shape: &[usize]) -> Self {
        let schema = Schema { value: ValueType::F32, shape: shape.to_vec() };
        let value = |index: usize| (index.wrapping_mul(2_654_435_761) % 1000) as f32 / 1000.0 - 0.5;
        let values = (0..Self::ROWS * schema.width()).map(value).collect();
        Self(schema, values)
    }
}

impl FeatureStore for Table {
    fn schema(&self) -> &Schema {
        &self.0
    }

    fn gather(&self, ids: &[Id], values: &mut Values) -> Result<(), FeatureStoreError> {
        let Values::F32(values) = values else { unreachable!("the schema says floats") };
        let width = self.0.width();
        for id in ids {
            let row = id.offset() as usize % Self::ROWS;
            values.extend_from_slice(&self.1[row * width..][..width]);
        }
        Ok(())
    }
}

fn ids(count: u64) -> impl Iterator<Item = Id> {
    (0..count).map(|offset| Id::new(0, 0, offset))
}

fn start(case: &Case, threads: Option<NonZeroUsize>) -> Runtime {
    let model = toml::from_str(case.model).expect("the model is a table");
    let text = format!("batch_size = {}\n[optimizer.sgd]\nlearning_rate = 0.01", case.batch);
    let mut training: driftmill::train::Training =
        toml::from_str(&text).expect("the training is a table");
    training.threads = threads;
    Runtime::start(model, training, Arc::new(Table::new(case.shape))).expect("the cpu works")
}

/// Trains on `count` samples. Also returns samples per second.
fn train(runtime: &Runtime, case: &Case, count: u64, stage: Option<Stage>) -> (f64, Trained) {
    let row =
        |id: Id| TrainingRow { id, label: (id.offset() * 7 % case.classes) as u32, weight: 1.0 };
    let rows = ids(count).map(row).collect();
    let job = TrainJob { rows, seed: 1, first: true, downsampling: stage, ..TrainJob::default() };
    let (send, answer) = channel();
    let started = Instant::now();
    runtime.train(job, |_| (), move |result| send.send(result).expect("we wait"));
    let trained = answer.recv().expect("an answer comes").expect("training works");
    (count as f64 / started.elapsed().as_secs_f64(), trained)
}

/// Samples per second of an inference on `count` samples.
fn infer(runtime: &Runtime, weights: &Weights, count: u64) -> f64 {
    let (send, answer) = channel();
    let job = InferJob {
        weights: weights.clone(),
        ids: ids(count).collect(),
        output: Output::Probabilities,
    };
    let started = Instant::now();
    // outputs for decisions are cached.
    runtime.infer(Priority::Background, job, move |result| send.send(result).expect("we wait"));
    answer.recv().expect("an answer comes").expect("inference works");
    count as f64 / started.elapsed().as_secs_f64()
}

/// Samples per second of PyTorch, for training and for inference.
fn torch(python: &Path, case: &Case, threads: usize) -> [f64; 2] {
    let arguments = [case.name, &case.batch.to_string(), &threads.to_string()];
    let rates = python::run(python, "torch_training.py", &arguments);
    serde_json::from_value(rates).expect("the script prints two numbers")
}

/// Time of choosing from each batch, in forward passes through all candidates.
fn passes_of_choosing(runtime: &Runtime, case: &Case, weights: &Weights) -> f64 {
    let table = "ratio = 0.25\nmode = \"batch_then_sample\"\n[policy.loss]";
    let table: Downsampling = toml::from_str(table).expect("the table is right");
    let (_, trained) = train(runtime, case, case.train, table.stage(0));
    let choosing = trained.downsampled.expect("it was downsampled").seconds;
    choosing * infer(runtime, weights, case.infer) / case.train as f64
}

fn main() {
    let python = std::env::args().any(|argument| argument == "--torch").then(python::python);
    let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    println!("samples/s, medians of {ROUNDS} rounds, {threads} threads");
    for case in &CASES {
        let runtime = start(case, None);
        let weights = train(&runtime, case, case.train / 4, None).1.weights;
        let (mut ours, mut theirs) = ([vec![], vec![]], [vec![], vec![]]);
        let mut passes = Vec::new();
        for _ in 0..ROUNDS {
            ours[0].push(train(&runtime, case, case.train, None).0);
            ours[1].push(infer(&runtime, &weights, case.infer));
            passes.push(passes_of_choosing(&runtime, case, &weights));
            if let Some(python) = &python {
                let [train, infer] = torch(python, case, threads);
                theirs[0].push(train);
                theirs[1].push(infer);
            }
        }
        for ((what, ours), theirs) in ["train", "infer"].iter().zip(ours).zip(theirs) {
            let ours = python::median(ours);
            print!("{:<13} {what} batch {:>3} {ours:>9.0}", case.name, case.batch);
            if theirs.is_empty() {
                println!();
            } else {
                let theirs = python::median(theirs);
                println!("   torch {theirs:>9.0}   ratio {:.2}", ours / theirs);
            }
        }
        println!("{:<13} choose {:>14.2} forward passes", case.name, python::median(passes));
    }
}
