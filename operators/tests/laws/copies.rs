//! Choices among equal or nearly equal candidates: the first candidates are not preferred.

use driftmill_operators::Matrix;
use driftmill_operators::downsampling::{Budget, Chosen, SampleScores, choose};

use crate::coresets::{chosen, values};
use crate::downsampling::{gradients, indices, policy, sorted};

/// The choice among few different vectors, each with `copies` copies in a row.
fn of_copies(policy: &str, distinct: &[f32], copies: usize, budget: Budget) -> Vec<usize> {
    let vectors = distinct.chunks(2).flat_map(|row| row.repeat(copies)).collect();
    indices(&choose(&*self::policy(policy), &gradients(2, vectors), budget).unwrap())
}

#[test]
fn ties_between_copies_are_random() {
    // two opposite directions, as with two classes, and three that are not mixtures of each other.
    let (two, three) = ([0.6, -0.6, -0.6, 0.6], [1.0, 0.0, 0.0, 1.0, -1.0, 0.5]);
    for policy in ["facility_location", "craig", "graph_cut", "log_determinant"] {
        for distinct in [&two[..], &three] {
            for greedy in
                ["\"lazy\"", "\"naive\"", "{ stochastic = {} }", "{ approximate_lazy = {} }"]
            {
                let rest = if policy == "graph_cut" { ", balance = \"none\"" } else { "" };
                let table = format!("{policy} = {{ on = \"gradients\", greedy = {greedy}{rest} }}");
                let by = |seed, round| {
                    of_copies(&table, distinct, 300, Budget { size: 60, seed, round })
                };
                let copies: Vec<usize> = by(3, 0).into_iter().map(|index| index % 300).collect();
                let mean = copies.iter().sum::<usize>() / 60;
                // the mean of 60 uniformly random choices is within five deviations of the middle.
                assert!((94..=206).contains(&mean), "{table}: {mean}");
                assert_eq!(by(3, 0), by(3, 0));
                assert_ne!(sorted(by(3, 0)), sorted(by(4, 0)), "{table}");
                assert_ne!(sorted(by(3, 0)), sorted(by(3, 1)), "{table}");
            }
        }
    }
    let embeddings = Some(Matrix::new(1, (0..600).map(|row| (row / 300) as f32).collect()));
    let given = SampleScores { embeddings, ..SampleScores::of(600) };
    let centres = indices(&chosen("k_center = {}", &given, 60));
    assert!(centres.iter().filter(|centre| *centre % 300 > 150).count() > 10, "{centres:?}");
}

/// Errors of two classes, and embeddings of two kinds for each class.
fn two_classes(samples: usize) -> SampleScores {
    let noise = values(7, 4 * samples);
    let labels: Vec<u32> = (0..samples).map(|row| u32::from(row % 3 == 0)).collect();
    let mut gradients = Vec::new();
    let mut embeddings = Vec::new();
    for (row, label) in labels.iter().enumerate() {
        let error = 0.5 + noise[4 * row].abs();
        gradients.extend(if *label == 1 { [error, -error] } else { [-error, error] });
        let kind = if row < samples / 2 { [2.0, 0.0, 1.0] } else { [0.0, 2.0, 1.0] };
        let noise = &noise[4 * row + 1..][..3];
        embeddings.extend(kind.iter().zip(noise).map(|(kind, noise)| kind + 0.3 * noise));
    }
    SampleScores {
        labels: Some(labels),
        gradients: Some(Matrix::new(2, gradients)),
        embeddings: Some(Matrix::new(3, embeddings)),
        ..SampleScores::of(samples)
    }
}

#[test]
fn with_two_classes_all_kinds_of_samples_are_chosen_by_default() {
    let given = two_classes(600);
    for policy in ["facility_location", "craig", "graph_cut", "log_determinant"] {
        let found = chosen(&format!("{policy} = {{}}"), &given, 60);
        for label in [0, 1] {
            for half in [0..300, 300..600] {
                let labels = given.labels.as_ref().unwrap();
                let of_kind = |chosen: &&Chosen| {
                    labels[chosen.index] == label && half.contains(&chosen.index)
                };
                let count = found.iter().filter(of_kind).count();
                let kind = format!("class {label} of {half:?}");
                assert!(count >= 4, "{policy} has {count} of {} of {kind}", found.len());
            }
        }
    }
}

#[test]
fn weights_of_a_matching_do_not_sum_to_the_number_of_candidates() {
    let given = two_classes(300);
    for lambda in ["0.0", "1.0", "100.0"] {
        let found = chosen(
            &format!("grad_match = {{ lambda = {lambda}, balance = \"none\" }}"),
            &given,
            40,
        );
        let sum: f32 = found.iter().map(|chosen| chosen.weight).sum();
        assert!(sum > 0.0 && sum < 150.0, "{lambda}: {sum}");
    }
}
