//! Herding: agreement with NumPy and with the definition, and its advantage over random choices.

use driftmill_operators::Matrix;
use driftmill_operators::downsampling::{Budget, SampleScores, choose, exemplars};
use proptest::prelude::*;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use serde::Deserialize;

use crate::coresets::{Input, values};
use crate::downsampling::{budget, indices, policy, sorted};
use crate::references::cases;

#[derive(Deserialize)]
struct Case {
    #[serde(flatten)]
    input: Input,
    herding: Vec<usize>,
    by_class: [Vec<usize>; 3],
}

fn embedded(cols: usize, values: Vec<f32>) -> SampleScores {
    let embeddings = Matrix::new(cols, values);
    SampleScores {
        samples: embeddings.rows(),
        embeddings: Some(embeddings),
        ..SampleScores::default()
    }
}

fn herded(given: &SampleScores, size: usize) -> Vec<usize> {
    let chosen = choose(&*policy("herding.balance = \"none\""), given, budget(size)).unwrap();
    assert!(chosen.iter().all(|chosen| chosen.weight == 1.0));
    indices(&chosen)
}

/// Rows scaled to length 1, or 0.
fn directions(points: &Matrix) -> Vec<Vec<f64>> {
    let direction = |row: usize| {
        let row: Vec<f64> = points.row(row).iter().map(|value| f64::from(*value)).collect();
        let length = row.iter().map(|value| value * value).sum::<f64>().sqrt();
        row.iter().map(|value| if length > 0.0 { value / length } else { 0.0 }).collect()
    };
    (0..points.rows()).map(direction).collect()
}

/// The distance between the mean of some rows and the mean of all.
fn apart(rows: &[Vec<f64>], some: &[usize]) -> f64 {
    let squared = |col: usize| {
        let all = rows.iter().map(|row| row[col]).sum::<f64>() / rows.len() as f64;
        let some = some.iter().map(|row| rows[*row][col]).sum::<f64>() / some.len() as f64;
        (all - some).powi(2)
    };
    (0..rows[0].len()).map(squared).sum::<f64>().sqrt()
}

#[test]
fn choices_are_those_of_numpy() {
    for case in cases::<Case>(include_str!("../references/herding.json")) {
        let Input { seed, count, cols, size } = case.input;
        let mut given = embedded(cols, values(seed, count * cols));
        assert_eq!(herded(&given, size), case.herding, "{}", seed);

        let labels: Vec<u32> =
            (0..count as u32).map(|row| if row % 7 == 0 { 0 } else { row % 3 }).collect();
        let points = given.embeddings.clone().unwrap();
        let each = sorted(case.by_class.concat());
        assert_eq!(exemplars(&points, &labels, size), each, "{}", seed);

        given.labels = Some(labels);
        let by_class = choose(&*policy("herding = {}"), &given, budget(3 * size)).unwrap();
        assert_eq!(indices(&by_class), case.by_class.concat(), "{}", seed);
    }
}

#[test]
fn means_are_much_nearer_than_those_of_random_choices() {
    let chance = policy("uniform = {}");
    for size in [1, 5, 20, 60] {
        let (mut herding, mut uniform, mut farther) = (0.0, 0.0, 0);
        for seed in 0..100 {
            let given = embedded(6, values(seed, 6 * 120));
            let rows = directions(given.embeddings.as_ref().unwrap());
            let random = choose(&*chance, &given, Budget { size, seed, round: 0 }).unwrap();
            let [own, other] = [herded(&given, size), indices(&random)].map(|c| apart(&rows, &c));
            (herding, uniform) = (herding + own, uniform + other);
            farther += usize::from(own > other);
        }
        // the mean of few samples is as far away as the nearest samples.
        let most = if size == 1 { 1.0 } else { 0.5 };
        assert!(herding < most * uniform, "{size}: {herding} of {uniform}");
        assert!(farther <= 5, "{size}: {farther}");
    }
}

#[test]
fn a_choice_depends_on_neither_order_nor_lengths() {
    for seed in 0..10 {
        let points = Matrix::new(5, values(seed, 5 * 90));
        let mut random = Pcg64::seed_from_u64(seed);
        let mut order: Vec<usize> = (0..90).collect();
        order.shuffle(&mut random);
        let longer = |row: &usize| {
            let by = [0.25f32, 1.0, 8.0, 1e-20, 3e5][random.random_range(0..5)];
            points.row(*row).iter().map(move |value| by * value).collect::<Vec<f32>>()
        };
        let other: Vec<f32> = order.iter().flat_map(longer).collect();
        let found = herded(&embedded(5, other), 20).into_iter().map(|row| order[row]);
        let wanted = herded(&embedded(5, points.values().to_vec()), 20);
        assert_eq!(found.collect::<Vec<_>>(), wanted, "{seed}");
    }
}

#[test]
fn the_choice_in_a_class_does_not_depend_on_others() {
    let points = Matrix::new(4, values(8, 4 * 60));
    let labels: Vec<u32> = (0..60).map(|row| [9, 0, 9, u32::MAX][row % 4]).collect();
    let all = exemplars(&points, &labels, 5);
    for label in [0, 9, u32::MAX] {
        let rows: Vec<usize> = (0..60).filter(|row| labels[*row] == label).collect();
        let own: Vec<f32> = rows.iter().flat_map(|row| points.row(*row).to_vec()).collect();
        let alone = sorted(herded(&embedded(4, own), 5)).into_iter().map(|row| rows[row]);
        let found: Vec<usize> = all.iter().copied().filter(|row| labels[*row] == label).collect();
        assert_eq!(found, alone.collect::<Vec<_>>(), "{label}");
    }
    // all samples of a class with fewer samples, and none of a class without samples.
    assert_eq!(exemplars(&points, &labels, 99), (0..60).collect::<Vec<_>>());
    assert_eq!(exemplars(&points, &labels, 0), [0; 0]);
    assert_eq!(exemplars(&Matrix::default(), &[], 3), [0; 0]);
}

#[test]
fn rows_that_are_no_numbers_count_as_zeros() {
    let some = [[1.0, 0.0], [f32::NAN, 1.0], [0.0, f32::INFINITY], [1.0, 1.0], [f32::MAX; 2]];
    let zeros = [[1.0, 0.0], [0.0; 2], [0.0; 2], [1.0, 1.0], [1.0; 2]];
    for per_class in 1..5 {
        let [found, wanted] =
            [some, zeros].map(|rows| exemplars(&Matrix::new(2, rows.concat()), &[4; 5], per_class));
        assert_eq!(found, wanted);
        assert_eq!(found.len(), per_class);
    }
}

/// Few different values, so that there are duplicates, and rows of zeros.
fn some_rows() -> impl Strategy<Value = Vec<f32>> {
    let row = proptest::collection::vec((-2i8..3).prop_map(f32::from), 3);
    proptest::collection::vec(row, 2..80).prop_map(|rows| rows.concat())
}

proptest! {
    #[test]
    fn each_step_brings_the_mean_nearest(values in some_rows(), size in 1usize..40) {
        let given = embedded(3, values);
        let points = given.embeddings.clone().unwrap();
        let rows = directions(&points);
        let size = size.min(given.samples - 1);
        let chosen = herded(&given, size);
        prop_assert_eq!(chosen.len(), size);
        for (step, row) in chosen.iter().enumerate() {
            let with = |row: usize| [&chosen[..step], &[row]].concat();
            let found = apart(&rows, &with(*row));
            let open = (0..given.samples).filter(|row| !chosen[..step].contains(row));
            for other in open {
                prop_assert!(found <= apart(&rows, &with(other)) + 1e-9, "{} at {}", row, step);
                // of duplicates, the first is chosen.
                prop_assert!(other >= *row || rows[other] != rows[*row]);
            }
        }
    }

    #[test]
    fn a_smaller_choice_is_the_beginning_of_a_larger_one(values in some_rows()) {
        let given = embedded(3, values);
        let most = herded(&given, given.samples - 1);
        for size in 0..most.len() {
            prop_assert_eq!(&herded(&given, size)[..], &most[..size]);
        }
    }
}
