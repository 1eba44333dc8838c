//! The model runtime on `wgpu`, compared with the CPU.
//!
//! Needs a Vulkan, Metal or DirectX 12 adapter, which may be a software driver.

use std::sync::Arc;

use crate::suite::Need;
use crate::toy::{Toy, Waiting, ids, job, model, training};
use driftmill::train::{Output, Runtime, Weights};
use driftmill_operators::Matrix;

crate::suite::tests! {
    an_mlp_trains_and_infers_as_on_the_processor needs GPU,
    a_convolutional_network_trains_and_infers_as_on_the_processor needs GPU,
}

const OPTIONS: &str = "epochs = 3\nbatch_size = 16\n[optimizer.sgd]\nlearning_rate = 0.05";

/// An adapter that `wgpu` can use.
const GPU: Need = Need {
    name: "a GPU or a software Vulkan driver",
    install: "apt install libvulkan1 mesa-vulkan-drivers",
    missing: || {
        let training = training(&format!("device = \"wgpu\"\n{OPTIONS}"));
        let started = Runtime::start(model("[mlp]"), training, Arc::new(Toy::rows()));
        started.err().map(|error| error.to_string())
    },
};

/// The largest difference between two matrices of one shape.
fn difference(a: &Matrix, b: &Matrix) -> f32 {
    assert_eq!((a.rows(), a.cols()), (b.rows(), b.cols()));
    let pairs = a.values().iter().zip(b.values());
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// Trains on both devices. Compares the weights by their outputs, and the inference of both devices.
fn compare(table: &str, samples: fn() -> Toy) {
    let cpu = Waiting::start(table, OPTIONS, samples());
    let gpu = Waiting::start(table, &format!("device = \"wgpu\"\n{OPTIONS}"), samples());
    let [on_cpu, on_gpu] =
        [&cpu, &gpu].map(|runtime| runtime.train(job(96)).expect("training works"));
    for (a, b) in on_cpu.losses.iter().zip(&on_gpu.losses) {
        assert!((a - b).abs() < 1e-2, "losses {:?} and {:?}", on_cpu.losses, on_gpu.losses);
    }
    for (a, b) in
        cpu.score(&on_cpu.weights, &ids(150)).iter().zip(gpu.score(&on_cpu.weights, &ids(150)))
    {
        assert!((a.loss - b.loss).abs() < 1e-3, "scores {a:?} and {b:?}");
    }
    for output in [Output::Embeddings, Output::Probabilities] {
        let infer =
            |runtime: &Waiting, weights: &Weights| runtime.infer(weights, &ids(150), output);
        let expected = infer(&cpu, &on_cpu.weights);
        assert!(difference(&expected, &infer(&gpu, &on_cpu.weights)) < 1e-3, "inference");
        assert!(difference(&expected, &infer(&cpu, &on_gpu.weights)) < 2e-2, "training");
    }
}

fn an_mlp_trains_and_infers_as_on_the_processor() {
    compare("[mlp]\nhidden = [16, 8]", Toy::rows);
}

fn a_convolutional_network_trains_and_infers_as_on_the_processor() {
    compare("[yearbook_net]\nchannels = [4, 8]", Toy::images);
}
