//! Downsampling within a training.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use driftmill::train::{
    Downsampling, Irreducible, Output, Priority, TrainError, TrainJob, Trained, TrainingRow,
    Weights,
};
use driftmill_operators::Id;
use driftmill_operators::downsampling::{
    Budget, Chosen, Downsampled, DownsamplingTable, Kept, SampleScores, choose,
};
use safetensors::SafeTensors;

use crate::toy::{Counting, Toy, Waiting, ids, job};

crate::suite::tests! {
    every_loss_belongs_to_the_features_of_its_sample,
    the_hardest_samples_of_each_batch_are_trained_on,
    policies_receive_the_outputs_of_the_model,
    choosing_all_samples_equals_no_downsampling,
    the_loss_uses_the_weights_of_a_choice,
    repeated_random_subsets_cover_the_whole_set,
    the_result_does_not_depend_on_threads,
    payload_is_read_no_more_often_than_needed,
    a_diverging_model_is_distinguished_from_a_wrong_policy,
}

const MODEL: &str = "[mlp]\nhidden = [8]";

fn downsampled(count: u64, table: &str) -> TrainJob {
    let table: Downsampling = toml::from_str(table).expect("the table is right");
    TrainJob { downsampling: table.stage(0), ..job(count) }
}

fn downsampled_by(trained: Trained) -> Downsampled {
    trained.downsampled.expect("it was downsampled")
}

fn kept(downsampled: &Downsampled) -> BTreeSet<Id> {
    downsampled.kept.iter().map(|kept| kept.id).collect()
}

/// The `size` samples of `among` with the highest loss, each by its own features.
fn hardest(losses: &[f32], among: &[Id], size: usize) -> BTreeSet<Id> {
    let mut order = among.to_vec();
    order.sort_by(|a, b| losses[b.offset() as usize].total_cmp(&losses[a.offset() as usize]));
    order.into_iter().take(size).collect()
}

fn every_loss_belongs_to_the_features_of_its_sample() {
    // another order in each epoch, and batches that do not divide the set.
    let training =
        "epochs = 3\nbatch_size = 48\nstart = \"finetune\"\n[optimizer.sgd]\nlearning_rate = 1e-30";
    let runtime = Waiting::start(MODEL, training, Toy::rows());
    let start = runtime.train(job(300)).unwrap().weights;
    let losses: Vec<f32> =
        runtime.score(&start, &ids(500)).iter().map(|score| score.loss).collect();
    let table = "ratio = 0.1\n[policy.loss]\ndraws = \"top\"";
    let job = TrainJob { start: Some(start.clone()), first: false, ..downsampled(500, table) };
    let whole = downsampled_by(runtime.train(job.clone()).unwrap());
    assert_eq!((whole.candidates, whole.choices), (500, 3));
    assert_eq!(kept(&whole), hardest(&losses, &ids(500), 50));
    assert!(whole.kept.iter().all(|kept| (kept.times, kept.weight) == (3, 1.0)));

    // candidates in another order are the same candidates.
    let mut turned = job;
    turned.rows.reverse();
    assert_eq!(kept(&downsampled_by(runtime.train(turned).unwrap())), kept(&whole));
}

fn the_hardest_samples_of_each_batch_are_trained_on() {
    let training = "epochs = 2\nbatch_size = 40\nshuffle = false\nstart = \"finetune\"\n[optimizer.sgd]\nlearning_rate = 1e-30";
    let runtime = Waiting::start(MODEL, training, Toy::rows());
    let start = runtime.train(job(300)).unwrap().weights;
    let losses: Vec<f32> =
        runtime.score(&start, &ids(500)).iter().map(|score| score.loss).collect();
    let table = "ratio = 0.25\nmode = \"batch_then_sample\"\n[policy.loss]\ndraws = \"top\"";
    let job = TrainJob { start: Some(start), first: false, ..downsampled(490, table) };
    let trained = runtime.train(job).unwrap();
    // 12 batches of 40 give 10 each and one of 10 gives 2: 122 in 4 steps per epoch.
    assert_eq!((trained.steps, trained.losses.len()), (8, 2));
    let used = downsampled_by(trained);
    let wanted: BTreeSet<Id> =
        ids(490).chunks(40).flat_map(|batch| hardest(&losses, batch, batch.len() / 4)).collect();
    assert_eq!(kept(&used), wanted);
    assert!(used.kept.iter().all(|kept| kept.times == 2));
    assert_eq!(used.choices, 26);
}

fn policies_receive_the_outputs_of_the_model() {
    let training = "start = \"finetune\"\nepochs = 2";
    let runtime = Waiting::start(MODEL, training, Toy::rows());
    let start = runtime.train(job(300)).unwrap().weights;
    let ask = |output| runtime.ask(&start, &ids(200), output, Priority::Decision);
    let (embeddings, probabilities) = (ask(Output::Embeddings), ask(Output::Probabilities));
    let labels: Vec<u32> = ids(200).into_iter().map(Toy::label).collect();
    let mut gradients = probabilities.values().to_vec();
    for (row, label) in labels.iter().enumerate() {
        gradients[row * 2 + *label as usize] -= 1.0;
    }
    let losses = runtime.score(&start, &ids(200)).into_iter().map(|score| score.loss).collect();
    let known = |row: usize| (row % 7) as f32 / 10.0;
    let given = SampleScores {
        samples: 200,
        labels: Some(labels),
        loss: Some(losses),
        irreducible: Some((0..200).map(known).collect()),
        gradients: Some(driftmill_operators::Matrix::new(2, gradients)),
        embeddings: Some(embeddings),
        probabilities: Some(probabilities),
    };
    let irreducible =
        Irreducible(ids(200).into_iter().map(|id| (id, known(id.offset() as usize))).collect());
    for (key, example) in DownsamplingTable::CATALOG {
        let table = format!("ratio = 0.2\nperiod = 0\n[policy.{key}]\n{example}");
        let job = TrainJob {
            start: Some(start.clone()),
            first: false,
            irreducible: Some(irreducible.clone()),
            ..downsampled(200, &table)
        };
        let found = downsampled_by(runtime.train(job.clone()).unwrap());
        assert_eq!((found.policy.as_str(), found.choices), (*key, 1), "{key}");
        let again = downsampled_by(runtime.train(job.clone()).unwrap());
        assert_eq!(found.kept, again.kept, "{key}");
        let stage = job.downsampling.expect("there is one");
        let chance = matches!(*key, "uniform" | "rs2" | "loss" | "gradient_norm" | "k_center");
        if chance {
            assert!((1..=40).contains(&found.kept.len()), "{key}");
            continue;
        }
        let budget = Budget { size: 40, seed: 0, round: 0 };
        let chosen = choose(&*stage.policy, &given, budget).unwrap();
        let wanted: BTreeSet<Id> =
            chosen.iter().map(|Chosen { index, .. }| ids(200)[*index]).collect();
        let common = wanted.intersection(&kept(&found)).count();
        // a sample whose score differs only by rounding may be chosen instead.
        assert!(common + 1 >= wanted.len(), "{key}: {common} of {}", wanted.len());
        let mean = chosen.iter().map(|c| c.weight).sum::<f32>() / chosen.len() as f32;
        for Chosen { index, weight } in chosen {
            let weight = if stage.policy.makes_up() { weight } else { weight / mean };
            if let Some(kept) = found.kept.iter().find(|kept| kept.id == ids(200)[index]) {
                assert!((kept.weight - weight).abs() < 1e-2 * weight.max(1.0), "{key}");
                assert_eq!(kept.times, 2, "{key}");
            }
        }
    }
}

fn choosing_all_samples_equals_no_downsampling() {
    let training = "epochs = 3\naverage = 0.5";
    let runtime = Waiting::start(MODEL, training, Toy::rows());
    let full = runtime.train(job(300)).unwrap();
    for how in ["period = 0", "mode = \"batch_then_sample\""] {
        let table = format!("ratio = 1.0\n{how}\n[policy.entropy]");
        let trained = runtime.train(downsampled(300, &table)).unwrap();
        assert_eq!((trained.weights, trained.steps), (full.weights.clone(), full.steps), "{how}");
    }
}

fn the_loss_uses_the_weights_of_a_choice() {
    // one step on all chosen samples, so that their order has no effect.
    let training = "batch_size = 1000\n[optimizer.sgd]\nlearning_rate = 0.1";
    let runtime = Waiting::start(MODEL, training, Toy::rows());
    for mode in ["sample_then_batch", "batch_then_sample"] {
        let table = format!("ratio = 0.2\nmode = {mode:?}\n[policy.craig]");
        let chosen = runtime.train(downsampled(300, &table)).unwrap();
        let kept = chosen.downsampled.expect("it was downsampled").kept;
        assert!(kept.iter().any(|kept| (kept.weight - kept.weight.round()).abs() > 0.01));
        let far_from = |weight: &dyn Fn(&Kept) -> f32| -> f32 {
            let row = |kept: &Kept| TrainingRow {
                id: kept.id,
                label: Toy::label(kept.id),
                weight: weight(kept),
            };
            let rows = kept.iter().map(row).collect();
            let other = runtime.train(TrainJob { rows, ..job(0) }).unwrap();
            let pairs = values(&chosen.weights).into_iter().zip(values(&other.weights));
            pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
        };
        let [weighted, plain] = [far_from(&|kept| kept.weight), far_from(&|_| 1.0)];
        assert!(weighted < 1e-6 && plain > 20.0 * weighted, "{mode}: {weighted} {plain}");
    }
}

/// All numbers in a file of weights.
fn values(weights: &Weights) -> Vec<f32> {
    let file = SafeTensors::deserialize(weights.bytes()).unwrap();
    let mut tensors = file.tensors();
    tensors.sort_by(|a, b| a.0.cmp(&b.0));
    let floats =
        tensors.into_iter().flat_map(|(_, tensor)| tensor.data().as_chunks::<4>().0.to_vec());
    floats.map(f32::from_le_bytes).collect()
}

fn repeated_random_subsets_cover_the_whole_set() {
    let runtime = Waiting::start(MODEL, "epochs = 5", Toy::rows());
    let table = "ratio = 0.2\n[policy.rs2]\nreplacement = false";
    let used = downsampled_by(runtime.train(downsampled(300, table)).unwrap());
    assert_eq!((used.choices, used.kept.len()), (5, 300));
    assert!(used.kept.iter().all(|kept| kept.times == 1));
}

fn the_result_does_not_depend_on_threads() {
    for mode in ["sample_then_batch", "batch_then_sample"] {
        let table = format!("ratio = 0.3\nmode = {mode:?}\n[policy.gradient_norm]");
        let [one, two] = [1, 2].map(|threads| {
            let training = format!("epochs = 3\nthreads = {threads}");
            let runtime = Waiting::start("[yearbook_net]", &training, Toy::images());
            runtime.train(downsampled(200, &table)).unwrap()
        });
        assert_eq!(one.weights, two.weights, "{mode}");
        assert_eq!(downsampled_by(one).kept, downsampled_by(two).kept, "{mode}");
    }
}

fn payload_is_read_no_more_often_than_needed() {
    let gathered = |table: &str| {
        let count = Arc::new(AtomicUsize::new(0));
        let rows = Counting(Toy::rows(), Arc::clone(&count));
        let runtime = Waiting::start(MODEL, "epochs = 2", rows);
        runtime.train(downsampled(300, table)).unwrap();
        count.load(Ordering::Relaxed)
    };
    // of each batch: once in an epoch, for both the choice and the step.
    assert_eq!(gathered("ratio = 0.5\nmode = \"batch_then_sample\"\n[policy.loss]"), 600);
    // a policy without a model reads only the trained samples.
    assert_eq!(gathered("ratio = 0.1\n[policy.uniform]"), 60);
    assert_eq!(gathered("ratio = 0.1\nperiod = 0\n[policy.loss]"), 300 + 60);
}

fn a_diverging_model_is_distinguished_from_a_wrong_policy() {
    let training = "epochs = 9\n[optimizer.sgd]\nlearning_rate = 1e30";
    let runtime = Waiting::start(MODEL, training, Toy::rows());
    let failed = runtime.train(downsampled(300, "ratio = 0.5\n[policy.entropy]"));
    match failed.unwrap_err() {
        TrainError::Choosing { .. } | TrainError::Diverged { .. } => {}
        other => panic!("{other}"),
    }
}
