//! The guarantees of a training, tested from outside the runtime.

use std::sync::Arc;
use std::sync::mpsc::channel;

use crate::toy::{Toy, Waiting, ids, job, model, receive, training};
use driftmill::train::{InferJob, Output, Priority, Runtime, ScoreJob, TrainError, TrainingRow};
use driftmill_operators::Id;

crate::suite::tests! {
    a_toy_problem_is_learned,
    one_seed_gives_the_same_bytes_and_another_does_not,
    results_do_not_depend_on_the_number_of_threads,
    trainings_at_the_same_time_do_not_disturb_each_other,
    saved_weights_infer_the_same_in_another_runtime,
    a_result_does_not_depend_on_the_rest_of_the_request,
    a_sample_of_weight_zero_has_no_influence,
    weights_count_in_proportion,
    weights_count_between_batches,
    every_sample_gets_its_own_features,
    scores_agree_with_probabilities,
    fine_tuning_continues_from_the_last_version,
    decisions_are_inferred_while_a_training_runs,
    a_panic_or_an_error_of_the_store_is_answered_and_the_runtime_continues,
    an_invalid_training_set_is_refused,
    a_diverging_training_is_reported,
    weights_of_another_model_are_refused,
    a_model_that_does_not_fit_the_samples_is_refused_at_the_start,
    a_device_that_is_not_built_in_is_refused_at_the_start,
    stopping_answers_everything,
    dropping_the_last_handle_finishes_waiting_requests,
}

const MLP: &str = "[mlp]\nhidden = [16, 8]";
const NET: &str = "[yearbook_net]\nchannels = [4, 8]\nhidden = 8";
const ADAM: &str = "epochs = 4\nbatch_size = 16\n[optimizer.adamw]\nlearning_rate = 0.01";

/// Each model with samples of its input shape.
fn runtimes(options: &str) -> [Waiting; 3] {
    let text = format!("{options}\n{ADAM}");
    [
        Waiting::start(MLP, &text, Toy::rows()),
        Waiting::start(NET, &text, Toy::images()),
        Waiting::start("[yearbook_net]\nchannels = [4, 4, 8]", &text, Toy::images()),
    ]
}

fn a_toy_problem_is_learned() {
    for runtime in runtimes("") {
        let trained = runtime.train(job(600)).unwrap();
        assert_eq!((trained.losses.len(), trained.steps), (4, 4 * 38));
        assert!(trained.losses[3] < trained.losses[0] / 2.0, "{:?}", trained.losses);
        let fresh: Vec<Id> = (0..300).map(|offset| Id::new(0, 1, offset)).collect();
        let scores = runtime.score(&trained.weights, &fresh);
        let right = fresh.iter().zip(&scores).filter(|(id, s)| s.predicted == Toy::label(**id));
        assert!(right.count() > 285);
    }
}

fn one_seed_gives_the_same_bytes_and_another_does_not() {
    for (a, b) in runtimes("average = 0.5").into_iter().zip(runtimes("average = 0.5")) {
        let first = a.train(job(100)).unwrap().weights;
        let again = b.train(job(100)).unwrap().weights;
        assert_eq!(first.bytes(), again.bytes());
        assert_eq!(first.sha256(), again.sha256());
        let mut other = job(100);
        other.seed = 2;
        assert_ne!(b.train(other).unwrap().weights, first);
    }
}

fn results_do_not_depend_on_the_number_of_threads() {
    for (one, three) in runtimes("threads = 1").into_iter().zip(runtimes("threads = 3")) {
        let trained = one.train(job(100)).unwrap();
        let again = three.train(job(100)).unwrap();
        assert_eq!(trained.weights, again.weights);
        assert_eq!(trained.losses, again.losses);
        for output in [Output::Embeddings, Output::Probabilities] {
            let rows = one.infer(&trained.weights, &ids(200), output);
            assert_eq!(rows, three.infer(&trained.weights, &ids(200), output));
        }
    }
}

fn trainings_at_the_same_time_do_not_disturb_each_other() {
    let alone: Vec<_> = runtimes("").iter().map(|r| r.train(job(200)).unwrap().weights).collect();
    let together: Vec<_> = std::thread::scope(|scope| {
        let threads = runtimes("").map(|r| scope.spawn(move || r.train(job(200)).unwrap().weights));
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(alone, together);
}

fn saved_weights_infer_the_same_in_another_runtime() {
    for (a, b) in runtimes("").into_iter().zip(runtimes("")) {
        let weights = a.train(job(100)).unwrap().weights;
        let copy = driftmill::train::Weights::new(weights.bytes().to_vec());
        for output in [Output::Embeddings, Output::Probabilities] {
            assert_eq!(a.infer(&weights, &ids(9), output), b.infer(&copy, &ids(9), output));
        }
    }
}

fn a_result_does_not_depend_on_the_rest_of_the_request() {
    for runtime in runtimes("") {
        let weights = runtime.train(job(100)).unwrap().weights;
        let all = runtime.infer(&weights, &ids(300), Output::Embeddings);
        for row in [0, 1, 127, 128, 299] {
            let alone = runtime.infer(&weights, &[Id::new(0, 0, row)], Output::Embeddings);
            assert_eq!(alone.row(0), all.row(row as usize), "row {row}");
        }
        let backwards: Vec<Id> = ids(300).into_iter().rev().collect();
        let reversed = runtime.infer(&weights, &backwards, Output::Embeddings);
        assert!((0..300).all(|row| reversed.row(row) == all.row(299 - row)));
    }
}

fn a_sample_of_weight_zero_has_no_influence() {
    let runtime = Waiting::start(MLP, ADAM, Toy::rows());
    let plain = runtime.train(job(100)).unwrap();
    let mut with = job(100);
    let wrong = TrainingRow { id: Id::new(0, 7, 7), label: 0, weight: 0.0 };
    with.rows.insert(50, wrong);
    assert_eq!(runtime.train(with).unwrap().weights, plain.weights);
}

fn weights_count_in_proportion() {
    // a sample of weight 3 equals three copies of it, except for rounding.
    let options = "batch_size = 64\nshuffle = false\nepochs = 3";
    let runtime = Waiting::start(MLP, options, Toy::rows());
    let mut weighted = job(16);
    weighted.rows[4].weight = 3.0;
    let mut repeated = job(16);
    let row = repeated.rows[4];
    repeated.rows.extend([row, row]);
    let (a, b) = (runtime.train(weighted).unwrap(), runtime.train(repeated).unwrap());
    for (a, b) in a.losses.iter().zip(&b.losses) {
        assert!((a - b).abs() < 1e-6, "{a} {b}");
    }
}

fn weights_count_between_batches() {
    let runtime = Waiting::start(MLP, "batch_size = 1", Toy::rows());
    let mut heavy = job(2);
    heavy.rows[0].weight = 3.0;
    assert_ne!(runtime.train(heavy).unwrap().weights, runtime.train(job(2)).unwrap().weights);
}

fn every_sample_gets_its_own_features() {
    // without hidden layers the embedding is the input, so that features are returned unchanged.
    let runtime = Waiting::start("[mlp]\nhidden = []", ADAM, Toy::images());
    let weights = runtime.train(job(10)).unwrap().weights;
    let mut asked: Vec<Id> =
        (0..700).map(|i: u64| Id::new(0, (i % 5) as u16, i * 7919 % 1009)).collect();
    asked.extend_from_within(..20);
    let rows = runtime.infer(&weights, &asked, Output::Embeddings);
    for (row, id) in asked.iter().enumerate() {
        for (index, value) in rows.row(row).iter().enumerate() {
            let expected = f32::from(Toy::byte(*id, index)) / 127.5 - 1.0;
            assert!((value - expected).abs() < 1e-5, "{id:?}");
        }
    }
}

fn scores_agree_with_probabilities() {
    for runtime in runtimes("") {
        let weights = runtime.train(job(100)).unwrap().weights;
        let rows = runtime.infer(&weights, &ids(200), Output::Probabilities);
        for (row, score) in runtime.score(&weights, &ids(200)).iter().enumerate() {
            let label = Toy::label(Id::new(0, 0, row as u64));
            let probability = rows.row(row)[label as usize];
            assert!((score.loss + probability.ln()).abs() < 1e-3);
            let best = rows.row(row)[score.predicted as usize];
            assert!(rows.row(row).iter().all(|p| *p <= best));
            assert!((rows.row(row).iter().sum::<f32>() - 1.0).abs() < 1e-6);
        }
    }
}

fn fine_tuning_continues_from_the_last_version() {
    let runtime = Waiting::start(
        MLP,
        &format!("start = \"finetune\"\nfirst_epochs = 9\n{ADAM}"),
        Toy::rows(),
    );
    let first = runtime.train(job(300)).unwrap();
    let mut second = job(300);
    second.start = Some(first.weights.clone());
    second.first = false;
    let second = runtime.train(second).unwrap();
    assert_eq!((first.losses.len(), second.losses.len()), (9, 4));
    assert!(second.losses[0] < first.losses[0] / 2.0);
}

fn decisions_are_inferred_while_a_training_runs() {
    let Waiting(runtime) = Waiting::start(MLP, &format!("average = 0.1\n{ADAM}"), Toy::rows());
    let weights = Waiting(runtime.clone()).train(job(10)).unwrap().weights;
    let (send, events) = channel();
    let (begun, begins) = channel();
    let trained = send.clone();
    let progress = move |_| {
        let _ = begun.send(());
    };
    runtime.train(job(20_000), progress, move |r| trained.send(("trained", r.is_ok())).unwrap());
    receive("the runtime", &begins);
    let scored = send.clone();
    let labels = ids(500).into_iter().map(Toy::label).collect();
    let score = ScoreJob { weights: weights.clone(), ids: ids(500), labels };
    runtime.score(score, move |r| scored.send(("scored", r.is_ok())).unwrap());
    let infer = InferJob { weights, ids: ids(300), output: Output::Embeddings };
    runtime.infer(Priority::Decision, infer, move |r| send.send(("decided", r.is_ok())).unwrap());
    let order: Vec<_> = events.iter().collect();
    assert_eq!(order, [("decided", true), ("scored", true), ("trained", true)]);
}

fn a_panic_or_an_error_of_the_store_is_answered_and_the_runtime_continues() {
    let runtime = Waiting::start(MLP, ADAM, Toy::rows());
    let mut broken = job(100);
    broken.rows[70].id = Id::new(0, 500, 0);
    let error = runtime.train(broken).unwrap_err();
    assert!(
        matches!(&error, TrainError::Panicked { message } if message.contains("fell over")),
        "{error}"
    );
    let mut missing = job(100);
    missing.rows[70].id = Id::new(0, 404, 3);
    let error = anyhow::Error::from(runtime.train(missing).unwrap_err());
    assert_eq!(format!("{error:#}"), "reading the features of sample 0/404/3: it is missing");
    assert!(runtime.train(job(100)).is_ok());
}

fn an_invalid_training_set_is_refused() {
    let runtime = Waiting::start(MLP, ADAM, Toy::rows());
    let mut label = job(3);
    label.rows[1].label = 2;
    assert!(runtime.train(label).unwrap_err().to_string().contains("classes 0 to 1"));
    let mut weight = job(3);
    weight.rows[1].weight = f32::NAN;
    assert!(matches!(runtime.train(weight), Err(TrainError::Weight { .. })));
    assert!(matches!(runtime.train(job(0)), Err(TrainError::Empty { rows: 0 })));
}

fn a_diverging_training_is_reported() {
    let options = "epochs = 20\n[optimizer.sgd]\nlearning_rate = 1e30";
    let runtime = Waiting::start(MLP, options, Toy::rows());
    let message = runtime.train(job(200)).unwrap_err().to_string();
    assert!(message.contains("hint: lower the learning rate"), "{message}");
}

fn weights_of_another_model_are_refused() {
    let [mlp, net, _] = runtimes("start = \"finetune\"");
    let mut job = job(10);
    job.start = Some(net.train(job.clone()).unwrap().weights);
    let message = mlp.train(job).unwrap_err().to_string();
    assert!(message.starts_with("reading the weights of a model"), "{message}");
}

fn a_model_that_does_not_fit_the_samples_is_refused_at_the_start() {
    let start = |shape| {
        let mut toy = Toy::images();
        toy.0.shape = shape;
        Runtime::start(model(NET), training(""), Arc::new(toy)).err().unwrap().to_string()
    };
    assert!(start(vec![4]).contains("[channels, height, width]"));
    assert!(start(vec![1, 6, 8]).contains("multiples of 4"));
}

#[cfg(not(feature = "cuda"))]
fn a_device_that_is_not_built_in_is_refused_at_the_start() {
    let asked = training("device = \"cuda\"");
    let error = Runtime::start(model(MLP), asked, Arc::new(Toy::rows())).err().unwrap();
    assert!(matches!(error, TrainError::NotBuilt { .. }));
}

fn stopping_answers_everything() {
    let runtime = Waiting::start(MLP, &format!("average = 0.1\n{ADAM}"), Toy::rows());
    let (send, answers) = channel();
    for _ in 0..3 {
        let send = send.clone();
        runtime.0.train(job(50_000), |_| (), move |result| send.send(result).unwrap());
    }
    runtime.0.stop();
    runtime.0.train(job(1), |_| (), move |result| send.send(result).unwrap());
    let answers: Vec<_> = answers.iter().collect();
    assert_eq!(answers.len(), 4);
    assert!(answers.iter().all(|answer| matches!(answer, Err(TrainError::Stopped))));
}

fn dropping_the_last_handle_finishes_waiting_requests() {
    let runtime = Waiting::start(MLP, ADAM, Toy::rows());
    let (send, answers) = channel();
    for _ in 0..3 {
        let send = send.clone();
        runtime.0.train(job(100), |_| (), move |result| send.send(result).unwrap());
    }
    drop((runtime, send));
    assert_eq!(answers.iter().filter(Result::is_ok).count(), 3);
}
