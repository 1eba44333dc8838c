//! Coresets, compared with other libraries and all possible sets; greedy algorithms compared.

use driftmill_operators::Matrix;
use driftmill_operators::downsampling::{Chosen, SampleScores, choose};
use proptest::prelude::*;
use serde::Deserialize;

use crate::downsampling::{budget, gradients, indices, policy, sorted};
use crate::references::cases;

/// The input of a case: the seed of its values, their number and dimensions, and the size of the set.
#[derive(Clone, Copy, Deserialize)]
pub(crate) struct Input {
    pub(crate) seed: u64,
    pub(crate) count: usize,
    pub(crate) cols: usize,
    pub(crate) size: usize,
}

#[derive(Deserialize)]
struct Case {
    #[serde(flatten)]
    input: Input,
    facility_location: Vec<usize>,
    facility_location_outer: Vec<usize>,
    craig: Vec<usize>,
    craig_weights: Vec<f32>,
    graph_cut: Vec<usize>,
    log_determinant: Vec<usize>,
    k_center: Vec<usize>,
    grad_match: Vec<(usize, f64)>,
    grad_match_outer: Vec<(usize, f64)>,
    pursuit: Vec<(usize, f64)>,
    whole: Vec<(usize, f64)>,
}

/// The numbers of `tests/references/distances.py`.
pub(crate) fn values(mut state: u64, count: usize) -> Vec<f32> {
    let mut next = || {
        state = (state * 1_103_515_245 + 12345) % (1 << 31);
        let u = (state >> 8) as f64 / f64::from(1 << 23);
        (u * u - 0.4) as f32
    };
    (0..count).map(|_| next()).collect()
}

pub(crate) fn chosen(table: &str, given: &SampleScores, size: usize) -> Vec<Chosen> {
    choose(&*policy(table), given, budget(size)).unwrap()
}

#[test]
fn sets_are_those_of_other_libraries() {
    for case in cases::<Case>(include_str!("../references/coresets.json")) {
        let Input { seed, count, cols, size } = case.input;
        let points = Matrix::new(cols, values(seed, count * cols));
        let factors = Matrix::new(3, values(seed + 1, count * 3));
        let given = SampleScores {
            gradients: Some(points.clone()),
            embeddings: Some(points.clone()),
            ..SampleScores::of(count)
        };
        let outer = SampleScores { embeddings: Some(factors), ..given.clone() };
        let set = |table: &str, wanted: &[usize]| {
            let with = if table.contains("_with_") { &outer } else { &given };
            assert_eq!(indices(&chosen(table, with, size)), wanted, "{}: {table}", seed);
        };
        set(
            "facility_location = { on = \"gradients\", neighbours = \"all\" }",
            &case.facility_location,
        );
        set(
            "facility_location = { neighbours = \"all\", on = \"gradients_with_embeddings\" }",
            &case.facility_location_outer,
        );
        let craig = "craig = { on = \"gradients\", neighbours = \"all\" }";
        set(craig, &case.craig);
        set("graph_cut = { on = \"gradients\", balance = \"none\" }", &case.graph_cut);
        set("log_determinant.on = \"gradients\"", &case.log_determinant);
        set("k_center.first = \"central\"", &case.k_center);
        let weights = chosen(craig, &given, size);
        let weights: Vec<f32> = weights.iter().map(|chosen| chosen.weight).collect();
        assert_eq!(weights, case.craig_weights, "{}", seed);

        let matched = |settings: &str, size: usize, wanted: &[(usize, f64)]| {
            let with = if settings.contains("_with_") { &outer } else { &given };
            let table = format!("grad_match = {{ balance = \"none\", gradient = {settings} }}");
            let mut found = chosen(&table, with, size);
            found.sort_by_key(|chosen| chosen.index);
            let mut wanted: Vec<_> = wanted.iter().copied().filter(|(_, w)| *w > 0.0).collect();
            wanted.sort_by_key(|(index, _)| *index);
            let same: Vec<usize> = wanted.iter().map(|(index, _)| *index).collect();
            assert_eq!(indices(&found), same, "{}: {table}", seed);
            for (found, (_, wanted)) in found.iter().zip(wanted) {
                assert!((f64::from(found.weight) / wanted - 1.0).abs() < 1e-5, "{table}");
            }
        };
        matched("\"last_layer\"", size, &case.grad_match);
        matched("\"last_layer_with_embedding\"", size, &case.grad_match_outer);
        // as long as no vector is removed.
        if case.pursuit.iter().all(|(_, weight)| *weight > 0.0) {
            matched("\"last_layer\", lambda = 0.0", 3, &case.pursuit);
        }
        // one less than all: with all there is no choice.
        matched("\"last_layer\", tolerance = 0.0", count - 1, &case.whole);
    }
}

#[test]
fn sets_are_those_of_the_worked_examples() {
    let points = || vec![0., 0., 0., 1., 5., 5., 5., 6., 10., 0.];
    let mut found = chosen("craig.on = \"gradients\"", &gradients(2, points()), 3);
    found.sort_by_key(|chosen| chosen.index);
    let found: Vec<(usize, f32)> = found.iter().map(|c| (c.index, c.weight)).collect();
    assert_eq!(found, [(0, 2.0), (2, 2.0), (4, 1.0)]);

    let directions = gradients(2, vec![1.0, 0.0, 0.9, 0.1, 0.0, 1.0, -1.0, 0.0, 0.1, 0.9]);
    let set = |table: &str| sorted(indices(&chosen(table, &directions, 3)));
    assert_eq!(set("facility_location.on = \"gradients\""), [0, 3, 4]);
    assert_eq!(set("graph_cut = { on = \"gradients\", balance = \"none\" }"), [1, 3, 4]);

    let columns = gradients(3, vec![1., 0., 0., 0., 1., 0., 1., 1., 0., 0., 0., 2.]);
    let weights = |size| {
        let mut weights = [0.0; 4];
        for found in
            chosen("grad_match = { gradient = \"last_layer\", balance = \"none\" }", &columns, size)
        {
            // weights are n times those of the mean.
            weights[found.index] = (f64::from(found.weight) / 4.0 * 1e6).round() / 1e6;
        }
        weights
    };
    assert_eq!(weights(1), [0.0, 0.0, 0.333333, 0.0]);
    assert_eq!(weights(2), [0.0, 0.0, 0.333333, 0.2]);
    assert_eq!(weights(3), [0.1, 0.0, 0.3, 0.2]);
}

/// `½ + ½ cos`.
fn cosine(points: &Matrix, i: usize, j: usize) -> f64 {
    let product = |i: usize, j: usize| -> f64 {
        points.row(i).iter().zip(points.row(j)).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    0.5 + 0.5 * product(i, j) / (product(i, i) * product(j, j)).sqrt()
}

fn coverage(points: &Matrix, set: &[usize]) -> f64 {
    let best = |i| set.iter().map(|s| cosine(points, i, *s)).fold(0.0, f64::max);
    (0..points.rows()).map(best).sum()
}

#[test]
fn a_grown_set_is_nearly_as_good_as_the_best_of_all() {
    for seed in 0..40 {
        let given = gradients(2, values(seed, 2 * 11));
        let points = given.gradients.clone().unwrap();
        let mut best = 0.0f64;
        for a in 0..11 {
            for b in a + 1..11 {
                (b + 1..11).for_each(|c| best = best.max(coverage(&points, &[a, b, c])));
            }
        }
        for greedy in ["\"lazy\"", "\"naive\"", "{ approximate_lazy = {} }"] {
            let table = format!("facility_location = {{ on = \"gradients\", greedy = {greedy} }}");
            let set = indices(&chosen(&table, &given, 3));
            let found = coverage(&points, &set);
            assert!(found >= (1.0 - (-1.0f64).exp()) * best, "{seed}, {greedy}: {found}, {best}");
        }
    }
}

#[test]
fn coverage_grows_by_less_and_less() {
    let given = gradients(6, values(5, 6 * 300));
    let points = given.gradients.clone().unwrap();
    let table = "facility_location = { on = \"gradients\", neighbours = \"all\" }";
    let set = indices(&chosen(table, &given, 40));
    let values: Vec<f64> = (1..=40).map(|size| coverage(&points, &set[..size])).collect();
    let gains: Vec<f64> = values.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gains.iter().all(|gain| *gain >= 0.0));
    assert!(gains.windows(2).all(|pair| pair[1] <= pair[0] + 1e-4), "{gains:?}");
}

#[test]
fn few_neighbours_and_fewer_gains_cost_little() {
    let given = gradients(8, values(9, 8 * 1000));
    let points = given.gradients.clone().unwrap();
    let set = |table: &str| indices(&chosen(table, &given, 100));
    let value = |rest: &str| {
        let table = format!("facility_location = {{ on = \"gradients\"{rest} }}");
        coverage(&points, &set(&table))
    };
    let exact = value(", neighbours = \"all\"");
    for (table, least) in [
        ("", 0.999),
        (", block = 250", 0.98),
        (", greedy.stochastic = {}", 0.99),
        (", greedy.approximate_lazy = {}", 0.99),
    ] {
        let found = value(table) / exact;
        assert!(found >= least && found <= 1.0 + 1e-3, "{table}: {found}");
    }
    let chance = coverage(&points, &set("uniform = {}")) / exact;
    assert!(chance < 0.99, "{chance}");
}

#[test]
fn classes_get_their_shares() {
    let labels: Vec<u32> =
        (0..300).map(|row| [0, 0, 0, 0, 1, 2][row % 6].min(row as u32)).collect();
    let given = SampleScores { labels: Some(labels.clone()), ..gradients(5, values(2, 5 * 300)) };
    for policy in [
        "craig = { on = \"gradients\"",
        "facility_location = { on = \"gradients\"",
        "graph_cut = { on = \"gradients\"",
        "log_determinant = { on = \"gradients\"",
        "grad_match = { gradient = \"last_layer\"",
    ] {
        for (balance, wanted) in [("fair_share", [20, 20, 20]), ("proportional", [40, 10, 10])] {
            let found = chosen(&format!("{policy}, balance = \"{balance}\" }}"), &given, 60);
            let mut counts = [0; 3];
            found.iter().for_each(|chosen| counts[labels[chosen.index] as usize] += 1);
            assert_eq!(counts, wanted, "{policy}, {balance}");
        }
    }
    let craig = "craig = { on = \"gradients\", balance = \"proportional\" }";
    let weights = chosen(craig, &given, 60);
    for class in 0..3 {
        let of_class = weights.iter().filter(|chosen| labels[chosen.index] == class);
        let sum: f32 = of_class.map(|chosen| chosen.weight).sum();
        assert_eq!(sum, labels.iter().filter(|label| **label == class).count() as f32);
    }
}

#[test]
fn a_larger_matching_is_nearer_to_the_mean() {
    let given = gradients(20, values(4, 20 * 200));
    let points = given.gradients.clone().unwrap();
    let left = |size| {
        let mut left = [0.0f64; 20];
        let add = |left: &mut [f64], row: usize, by: f64| {
            left.iter_mut().zip(points.row(row)).for_each(|(l, v)| *l += by * f64::from(*v));
        };
        (0..200).for_each(|row| add(&mut left, row, 1.0));
        let found = chosen(
            "grad_match = { gradient = \"last_layer\", balance = \"none\", lambda = 0.0 }",
            &given,
            size,
        );
        found.iter().for_each(|c| add(&mut left, c.index, -f64::from(c.weight)));
        left.iter().map(|value| value * value).sum::<f64>().sqrt()
    };
    let lengths = [1, 2, 4, 8, 12].map(left);
    assert!(lengths.is_sorted_by(|a, b| a > b), "{lengths:?}");
    assert!(lengths[4] < 0.2 * lengths[0], "{lengths:?}");
}

pub(crate) fn on_gradients(neighbours: &str) -> String {
    format!("craig = {{ on = \"gradients\", neighbours = {neighbours} }}")
}

/// Few different values, so that there are ties, and rows of zeros.
pub(crate) fn some_rows() -> impl Strategy<Value = Vec<f32>> {
    let row = proptest::collection::vec((-2i8..3).prop_map(f32::from), 3);
    proptest::collection::vec(row, 5..120).prop_map(|rows| rows.concat())
}

proptest! {
    #[test]
    fn lazy_sets_are_those_of_the_naive_algorithm(values in some_rows(), size in 1usize..30, neighbours in 1usize..40) {
        let given = gradients(3, values);
        for policy in ["facility_location", "craig", "graph_cut", "log_determinant"] {
            let rest = match policy {
                "facility_location" | "craig" => format!(", neighbours = {neighbours}"),
                "graph_cut" => ", balance = \"none\"".to_owned(),
                _ => String::new(),
            };
            let by = |greedy: &str| {
                let table = format!("{policy} = {{ on = \"gradients\", greedy = {greedy}{rest} }}");
                chosen(&table, &given, size)
            };
            let naive = by("\"naive\"");
            prop_assert_eq!(&by("\"lazy\""), &naive, "{}", policy);
            prop_assert_eq!(&by("{ approximate_lazy = { beta = 1.0 } }"), &naive, "{}", policy);
        }
    }
}
