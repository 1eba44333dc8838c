//! Model outputs are computed once per sample and shared by triggers, shadows and evaluation.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use driftmill::train::{Output, Priority};

use crate::toy::{Counting, Toy, Waiting, ids, job};

crate::suite::tests! {
    answers_to_a_policy_are_not_computed_again,
}

fn answers_to_a_policy_are_not_computed_again() {
    let count = Arc::new(AtomicUsize::new(0));
    let rows = Counting(Toy::rows(), Arc::clone(&count));
    let runtime = Waiting::start("[mlp]\nhidden = [8]", "epochs = 1", rows);
    let weights = runtime.train(job(50)).unwrap().weights;
    let gathered = || count.swap(0, Ordering::Relaxed);
    gathered();
    let ask = |from: usize, to: usize, output| {
        runtime.ask(&weights, &ids(400)[from..to], output, Priority::Decision)
    };
    let all = ask(0, 300, Output::Probabilities);
    assert_eq!(gathered(), 300);
    // a window that has moved requests only its new samples.
    let slid = ask(100, 350, Output::Probabilities);
    assert_eq!(gathered(), 50);
    assert!((0..200).all(|row| slid.row(row) == all.row(row + 100)));
    // the evaluation requests the same samples as the policies, and one more.
    let scores = runtime.score(&weights, &ids(351));
    assert_eq!((scores.len(), gathered()), (351, 1));
    // embeddings are different outputs, and another version is a different model.
    ask(0, 10, Output::Embeddings);
    assert_eq!(gathered(), 10);
    let other = runtime.train(job(40)).unwrap().weights;
    gathered();
    runtime.ask(&other, &ids(10), Output::Probabilities, Priority::Decision);
    assert_eq!(gathered(), 10);
}
