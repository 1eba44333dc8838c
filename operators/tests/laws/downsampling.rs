//! Laws of every choice among candidates, and of choices by scores and random choices.

use driftmill_operators::Matrix;
use driftmill_operators::downsampling::{
    Budget, Chosen, DownsamplingTable, RequiredScores, SampleScores, SampleScoresError, choose,
};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

/// A policy as written in a pipeline file.
pub(crate) fn policy(table: &str) -> DownsamplingTable {
    toml::from_str(table).unwrap_or_else(|error| panic!("{table}: {error}"))
}

/// Every policy, with its example.
fn every_policy() -> impl Iterator<Item = (&'static str, DownsamplingTable)> {
    DownsamplingTable::CATALOG
        .iter()
        .map(|(key, table)| (*key, policy(&format!("[{key}]\n{table}"))))
}

pub(crate) fn budget(size: usize) -> Budget {
    Budget { size, seed: 3, round: 0 }
}

pub(crate) fn indices(chosen: &[Chosen]) -> Vec<usize> {
    chosen.iter().map(|chosen| chosen.index).collect()
}

pub(crate) fn sorted(mut indices: Vec<usize>) -> Vec<usize> {
    indices.sort_unstable();
    indices
}

pub(crate) fn gradients(cols: usize, values: Vec<f32>) -> SampleScores {
    let gradients = Matrix::new(cols, values);
    SampleScores {
        samples: gradients.rows(),
        gradients: Some(gradients),
        ..SampleScores::default()
    }
}

/// Candidates of three classes with all scores.
fn candidates(seed: u64, samples: usize) -> SampleScores {
    let mut random = Pcg64::seed_from_u64(seed);
    let mut values = |count: usize| -> Vec<f32> { (0..count).map(|_| random.random()).collect() };
    let mut probabilities = values(3 * samples);
    for row in probabilities.chunks_exact_mut(3) {
        let sum: f32 = row.iter().sum();
        row.iter_mut().for_each(|value| *value /= sum);
    }
    let labels: Vec<u32> = values(samples).iter().map(|value| (value * 3.0) as u32).collect();
    let mut gradients = probabilities.clone();
    for (row, label) in gradients.chunks_exact_mut(3).zip(&labels) {
        row[*label as usize] -= 1.0;
    }
    SampleScores {
        samples,
        labels: Some(labels),
        loss: Some(values(samples)),
        irreducible: Some(values(samples)),
        probabilities: Some(Matrix::new(3, probabilities)),
        gradients: Some(Matrix::new(3, gradients)),
        embeddings: Some(Matrix::new(7, values(7 * samples).iter().map(|v| v - 0.5).collect())),
    }
}

fn reordered(given: &SampleScores, order: &[usize]) -> SampleScores {
    let losses = |losses: &Option<Vec<f32>>| -> Option<Vec<f32>> {
        losses.as_ref().map(|all| order.iter().map(|row| all[*row]).collect())
    };
    let matrix = |matrix: &Matrix| {
        Matrix::new(matrix.cols(), order.iter().flat_map(|row| matrix.row(*row).to_vec()).collect())
    };
    SampleScores {
        samples: order.len(),
        labels: given.labels.as_ref().map(|all| order.iter().map(|row| all[*row]).collect()),
        loss: losses(&given.loss),
        irreducible: losses(&given.irreducible),
        probabilities: given.probabilities.as_ref().map(matrix),
        gradients: given.gradients.as_ref().map(matrix),
        embeddings: given.embeddings.as_ref().map(matrix),
    }
}

#[test]
fn every_policy_chooses_as_many_as_asked_for_and_the_same_each_time() {
    let given = candidates(1, 250);
    for (key, policy) in every_policy() {
        assert_eq!(policy.check(), [], "{key}");
        for size in [0, 1, 2, 30, 249, 250, 900] {
            let [chosen, again] = [1, 2].map(|_| choose(&*policy, &given, budget(size)).unwrap());
            assert_eq!(chosen, again, "{key}");
            let mut distinct = sorted(indices(&chosen));
            distinct.dedup();
            assert_eq!(distinct.len(), chosen.len(), "{key} chose twice");
            assert!(distinct.iter().all(|index| *index < 250), "{key}");
            let usable = |chosen: &Chosen| chosen.weight > 0.0 && chosen.weight.is_finite();
            assert!(chosen.iter().all(usable), "{key}");
            let fewer = *key == *"grad_match";
            assert!(
                chosen.len() == size.min(250) || fewer && chosen.len() <= size,
                "{key}, {size}"
            );
        }
        let alone = choose(&*policy, &candidates(1, 1), budget(1)).unwrap();
        assert_eq!(alone, [Chosen { index: 0, weight: 1.0 }], "{key}");
        assert_eq!(choose(&*policy, &candidates(1, 0), budget(5)).unwrap(), [], "{key}");
    }
}

#[test]
fn required_scores_must_be_given() {
    for (key, policy) in every_policy() {
        let found = choose(&*policy, &SampleScores::of(9), budget(2));
        let nothing = policy.required_scores() == RequiredScores::default();
        assert_eq!(
            matches!(found, Err(SampleScoresError::Missing(_))),
            !nothing,
            "{key}: {found:?}"
        );
    }
    let loss = |loss: Vec<f32>| {
        let given = SampleScores { loss: Some(loss), ..SampleScores::of(2) };
        choose(&*policy("loss = {}"), &given, budget(1)).unwrap_err().to_string()
    };
    assert_eq!(loss(vec![1.0]), "loss: wrong number of rows: 1");
    assert_eq!(loss(vec![1.0, f32::NAN]), "loss of candidate 1: not a usable number");
    assert_eq!(loss(vec![-1.0, 1.0]), "loss of candidate 0: not a usable number");
    let balanced = choose(
        &*policy("margin.balance = \"fair_share\""),
        &SampleScores { labels: None, ..candidates(0, 9) },
        budget(2),
    );
    assert_eq!(balanced, Err(SampleScoresError::Missing("labels")));
}

#[test]
fn parameters_beyond_their_ranges_are_refused() {
    for table in [
        "craig.greedy.stochastic.epsilon = 0.0",
        "craig.greedy.approximate_lazy.beta = 1.5",
        "graph_cut.lambda = 0.0",
        "log_determinant.delta = -1.0",
        "grad_match.lambda = -0.5",
        "grad_match.tolerance = 1.0",
    ] {
        assert_eq!(policy(table).check().len(), 1, "{table}");
    }
}

#[test]
fn candidates_without_any_difference_are_still_chosen_from() {
    let same = |value: f32| SampleScores {
        samples: 40,
        labels: Some(vec![1; 40]),
        loss: Some(vec![value.abs(); 40]),
        irreducible: Some(vec![value.abs() / 2.0; 40]),
        probabilities: Some(Matrix::new(2, vec![0.5; 80])),
        gradients: Some(Matrix::new(2, vec![value; 80])),
        embeddings: Some(Matrix::new(3, vec![value; 120])),
    };
    for (key, policy) in every_policy() {
        for value in [0.0, 1.0, 1e-30, -1e6] {
            let chosen = choose(&*policy, &same(value), budget(7)).unwrap();
            let usable = |chosen: &Chosen| chosen.weight > 0.0 && chosen.weight.is_finite();
            assert!(chosen.iter().all(usable), "{key} of {value}: {chosen:?}");
            assert!(chosen.len() == 7 || key == "grad_match", "{key} of {value}");
        }
    }
}

#[test]
fn no_choice_depends_on_the_order_of_candidates() {
    let policies: Vec<DownsamplingTable> = [
        "loss.draws = \"top\"",
        "rho_loss = {}",
        "rho_loss.balance = \"proportional\"",
        "gradient_norm = { draws = \"top\", gradient = \"last_layer_with_embedding\" }",
        "least_confidence.balance = \"fair_share\"",
        "entropy = {}",
        "margin = {}",
        "k_center.first = \"central\"",
        "facility_location = { on = \"embeddings\", neighbours = 20 }",
        "facility_location = { on = \"gradients_with_embeddings\", neighbours = \"all\" }",
        "graph_cut = { on = \"embeddings\", balance = \"none\" }",
        "craig = { on = \"gradients_with_embeddings\", balance = \"proportional\" }",
        "grad_match.gradient = \"last_layer_with_embedding\"",
    ]
    .map(policy)
    .into();
    for seed in 0..10 {
        let given = candidates(seed, 220);
        let mut order: Vec<usize> = (0..220).collect();
        order.shuffle(&mut Pcg64::seed_from_u64(seed));
        let other = reordered(&given, &order);
        for policy in &policies {
            // if two samples are nearest to each other and to no other sample, either may represent both.
            let few = ["facility_location", "craig"].contains(&policy.key());
            let budget = budget(if few { 6 } else { 25 });
            let mut one = choose(&**policy, &given, budget).unwrap();
            let mut two = choose(&**policy, &other, budget).unwrap();
            two.iter_mut().for_each(|chosen| chosen.index = order[chosen.index]);
            one.sort_by_key(|chosen| chosen.index);
            two.sort_by_key(|chosen| chosen.index);
            assert_eq!(indices(&one), indices(&two), "{}, seed {seed}", policy.key());
            for (one, two) in one.iter().zip(&two) {
                assert!((one.weight / two.weight - 1.0).abs() < 1e-3, "{}", policy.key());
            }
        }
    }
}

#[test]
fn weights_make_random_choices_unbiased() {
    let scores = [9.0f32, 0.5, 1.0, 2.0, 0.0, 3.0, 0.25, 1.25];
    // a sample without a score has no value.
    let values = [5.0, -2.0, 0.5, 8.0, 0.0, -1.0, 3.0, 4.0];
    let mean = values.iter().sum::<f64>() / 8.0;
    let given = SampleScores { loss: Some(scores.to_vec()), ..SampleScores::of(8) };
    const SEEDS: u64 = 40_000;
    for draws in ["with_replacement", "without_replacement"] {
        let policy = policy(&format!("loss.draws = \"{draws}\""));
        let (mut sum, mut squares, mut counts) = (0.0, 0.0, [0.0; 8]);
        for seed in 0..SEEDS {
            let chosen = choose(&*policy, &given, Budget { size: 3, seed, round: 0 }).unwrap();
            assert_eq!(chosen.len(), 3);
            let value = |c: &Chosen| f64::from(c.weight) * values[c.index] / 3.0;
            let found: f64 = chosen.iter().map(value).sum();
            (sum, squares) = (sum + found, squares + found * found);
            chosen.iter().for_each(|chosen| counts[chosen.index] += 1.0);
        }
        let seeds = SEEDS as f64;
        let deviation = (squares / seeds - (sum / seeds).powi(2)).sqrt() / seeds.sqrt();
        assert!((sum / seeds - mean).abs() < 4.0 * deviation, "{draws}: {}", sum / seeds);
        // without replacement 9 is certain, and 2 samples are drawn from the rest of 8.
        let expected = |score: f32| match draws {
            "with_replacement" => 3.0 * f64::from(score) / 17.0,
            _ => (2.0 * f64::from(score) / 8.0).min(1.0),
        };
        for (count, score) in counts.iter().zip(scores) {
            let expected = expected(score);
            assert!((count / seeds - expected).abs() < 0.02, "{draws}: {count} of {score}");
        }
    }
}

#[test]
fn subsets_of_rounds_do_not_overlap_until_all_are_used() {
    let policy = policy("rs2.replacement = false");
    let subset = |round| {
        let chosen =
            choose(&*policy, &SampleScores::of(32), Budget { size: 10, seed: 5, round }).unwrap();
        sorted(indices(&chosen))
    };
    for shuffle in 0..4 {
        let mut both: Vec<usize> = (0..3).flat_map(|round| subset(3 * shuffle + round)).collect();
        both.sort_unstable();
        both.dedup();
        assert_eq!(both.len(), 30);
    }
    assert_ne!(subset(0), subset(3));
}

#[test]
fn scores_are_those_of_the_worked_example() {
    let logits = [[2.0f32, 1.0, 0.0], [0.0; 3], [1.0, 3.0, 0.0], [5.0, 0.0, 0.0]];
    let labels = [0, 1, 1, 0];
    let softmax = |row: &[f32; 3]| {
        let sum: f32 = row.iter().map(|z| z.exp()).sum();
        row.map(|z| z.exp() / sum)
    };
    let probabilities = logits.map(|row| softmax(&row));
    let mut gradients = probabilities;
    gradients.iter_mut().zip(labels).for_each(|(row, label)| row[label] -= 1.0);
    let loss = |(row, label): (&[f32; 3], usize)| -row[label].ln();
    let given = SampleScores {
        loss: Some(probabilities.iter().zip(labels).map(loss).collect()),
        probabilities: Some(Matrix::new(3, probabilities.concat())),
        gradients: Some(Matrix::new(3, gradients.concat())),
        ..SampleScores::of(4)
    };
    // losses 0.407606, 1.098612, 0.169846, 0.013386, and so on.
    let top = ["loss.draws = 'top'", "gradient_norm.draws = 'top'"];
    for table in top.into_iter().chain(["least_confidence = {}", "entropy = {}", "margin = {}"]) {
        let chosen = choose(&*policy(table), &given, budget(3)).unwrap();
        assert_eq!(indices(&chosen), [1, 0, 2], "{table}");
    }
    // the weights are inverse to the norms, whose ratio is 0.424336, 0.816497, 0.198004, 0.016285.
    let draws = policy("gradient_norm.draws = \"with_replacement\"");
    for round in 0..50 {
        let chosen = choose(&*draws, &given, Budget { size: 2, seed: 0, round }).unwrap();
        for Chosen { index, weight } in chosen {
            let norm = [0.424336, 0.816497, 0.198004, 0.016285][index];
            assert!((f64::from(weight) * norm * 4.0 / 1.455122 - 1.0).abs() < 1e-4);
        }
    }
}
