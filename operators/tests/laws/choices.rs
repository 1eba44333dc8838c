//! Random choices have the documented probabilities, over fixed seeds.

use driftmill_operators::selection::{SelectionConfig, SelectionTable};
use driftmill_operators::{Change, Id, Kind, Position, Record};

use crate::host::select;

fn record(offset: u64, time: i64, label: u32) -> Record {
    Record::new(Position::new(offset as i64, Id(offset)), 1, time, Some(label))
}

fn table(text: &str, seed: u64) -> SelectionTable {
    toml::from_str(&text.replace("SEED", &seed.to_string())).unwrap()
}

/// Σ (found − expected)² / expected.
fn chi_squared(found: &[u64], expected: &[f64]) -> f64 {
    let terms = found.iter().zip(expected);
    terms.map(|(found, expected)| (*found as f64 - expected).powi(2) / expected).sum()
}

fn insert(offset: u64) -> Change {
    Change::insert(record(offset, offset as i64, 0))
}

fn retract(at: u64, offset: u64) -> Change {
    let at = Position::new(at as i64, Id(at));
    Change { kind: Kind::Retract, at, record: record(offset, offset as i64, 0), before: None }
}

/// The frequency of each pair of the first six samples among choices of two.
fn pairs(text: &str, play: impl Fn(&SelectionTable) -> Vec<u64>) -> Vec<u64> {
    let mut found = vec![0u64; 36];
    for seed in 0..6000 {
        let ids = play(&table(text, seed));
        assert_eq!(ids.len(), 2, "{text}");
        found[(ids[0] * 6 + ids[1]) as usize] += 1;
    }
    (0..6).flat_map(|i| (i + 1..6).map(move |j| i * 6 + j)).map(|at| found[at]).collect()
}

fn ids(
    config: &SelectionTable,
    selection: &mut dyn driftmill_operators::selection::Selection,
    trigger: u64,
) -> Vec<u64> {
    select(config, selection, trigger).rows.iter().map(|row| row.id().0).collect()
}

/// The value that χ² with 14 degrees of freedom exceeds once in ten thousand cases is 42.6.
fn equally_likely(text: &str, found: &[u64]) {
    let chi = chi_squared(found, &[400.0; 15]);
    assert!(chi < 42.6, "{text}: {chi} of {found:?}");
    assert_eq!(found.iter().sum::<u64>(), 6000);
}

const TWO_OF_SIX: [&str; 8] = [
    "random = { samples = 2, seed = SEED }",
    "random = { ratio = 0.34, seed = SEED }",
    "random_no_replacement = { samples = 2, seed = SEED }",
    "new_data = { limit = 2, keep = \"uniform\", seed = SEED }",
    "new_data = { limit = 2, keep = \"reservoir\", seed = SEED }",
    "freshness = { unused_ratio = 0.5, limit = 2, seed = SEED }",
    "label_balanced = { samples = 2, seed = SEED }",
    "trigger_balanced = { samples = 2, seed = SEED }",
];

#[test]
fn every_pair_of_six_is_equally_likely() {
    for text in TWO_OF_SIX {
        let found = pairs(text, |config| {
            let mut selection = config.init();
            (0..6).for_each(|offset| selection.observe(&insert(offset)));
            ids(config, &mut *selection, 3)
        });
        equally_likely(text, &found);
    }
}

/// Retracted samples have no effect on later choices.
#[test]
fn choices_stay_uniform_after_retractions() {
    for text in TWO_OF_SIX.into_iter().filter(|text| !text.contains("reservoir")) {
        let found = pairs(text, |config| {
            let mut selection = config.init();
            // 2 is retracted before 3 enters, 5 and 7 after all have entered.
            let first = (0..3).map(insert).chain([retract(20, 2)]);
            let then = (3..9).map(insert).chain([5, 7].map(|offset| retract(21, offset)));
            first.chain(then).for_each(|change| selection.observe(&change));
            let left = [0, 1, 3, 4, 6, 8];
            let place = |id: &u64| left.iter().position(|left| left == id).unwrap() as u64;
            ids(config, &mut *selection, 3).iter().map(place).collect()
        });
        equally_likely(text, &found);
    }
}

/// Half of 120 samples leave a reservoir, early and late ones.
#[test]
fn a_reservoir_stays_full_and_uniform_after_retractions() {
    for text in [
        "new_data = { limit = 8, keep = \"reservoir\", seed = SEED }",
        "class_memory = { per_class = 8, seed = SEED }",
    ] {
        let (mut found, mut short) = ([0u64; 120], 0);
        for seed in 0..3000 {
            let config = table(text, seed);
            let mut selection = config.init();
            for offset in 0..120 {
                selection.observe(&insert(offset));
                if text.starts_with("class") {
                    selection.propose(offset);
                }
                if offset % 4 == 3 {
                    for back in [3, 2] {
                        selection.observe(&retract(1000 + offset, offset - back));
                    }
                }
            }
            let chosen = ids(&config, &mut *selection, 200);
            short += u64::from(chosen.len() < 8);
            chosen.into_iter().for_each(|id| found[id as usize] += 1);
        }
        let (left, retracted): (Vec<usize>, Vec<usize>) =
            (0..120).partition(|offset| offset % 4 > 1);
        assert!(retracted.iter().all(|offset| found[*offset] == 0), "{text}");
        assert!(short < 300, "{text}: {short}");
        // exceeded once in ten thousand cases with 59 degrees of freedom: 109.
        let left: Vec<u64> = left.into_iter().map(|offset| found[offset]).collect();
        let mean = left.iter().sum::<u64>() as f64 / 60.0;
        let chi = chi_squared(&left, &[mean; 60]);
        assert!(chi < 109.0, "{text}: {chi} of {left:?}");
    }
}

#[test]
fn a_memory_of_a_class_is_uniform_and_lasts() {
    let text = "class_memory = { per_class = 2, seed = SEED }";
    let found = pairs(text, |config| {
        let mut selection = config.init();
        (0..6).for_each(|offset| selection.observe(&insert(offset)));
        assert_eq!(ids(config, &mut *selection, 0).len(), 6);
        let first = ids(config, &mut *selection, 1);
        assert_eq!(first, ids(config, &mut *selection, 2));
        first
    });
    equally_likely(text, &found);
}

/// The choice of A-ES has the distribution of successive draws by weight.
#[test]
fn decayed_draws_follow_the_weights() {
    let weights = [1.0, 0.5, 0.25, 0.125];
    let total: f64 = weights.iter().sum();
    let shard_of = |config: &SelectionTable| {
        let mut selection = config.init();
        for offset in 0..4u64 {
            // each is older by a half-life; positions are in the opposite order.
            selection.observe(&Change::insert(record(offset, 1_000_000 - 10 * offset as i64, 0)));
        }
        selection
    };
    let (mut one, mut two) = ([0u64; 4], [0u64; 16]);
    for seed in 0..20_000 {
        let text = "time_decayed = { half_life = \"10ms\", samples = COUNT, seed = SEED }";
        let config = table(&text.replace("COUNT", "1"), seed);
        one[ids(&config, &mut *shard_of(&config), 0)[0] as usize] += 1;
        let config = table(&text.replace("COUNT", "2"), seed);
        let pair = ids(&config, &mut *shard_of(&config), 0);
        two[(pair[0] * 4 + pair[1]) as usize] += 1;
    }
    // exceeded once in ten thousand cases: 21.1 with 3 degrees of freedom, 25.7 with 5.
    let expected = weights.map(|weight| 20_000.0 * weight / total);
    let chi = chi_squared(&one, &expected);
    assert!(chi < 21.1, "{chi} of {one:?}");
    let (mut found, mut expected) = (Vec::new(), Vec::new());
    for i in 0..4 {
        for j in i + 1..4 {
            let (a, b): (f64, f64) = (weights[i], weights[j]);
            found.push(two[i * 4 + j]);
            expected.push(20_000.0 * a * b / total * (1.0 / (total - a) + 1.0 / (total - b)));
        }
    }
    let chi = chi_squared(&found, &expected);
    assert!(chi < 25.7, "{chi} of {found:?}, not {expected:?}");
}

#[test]
fn with_another_label_a_sample_is_unused_again() {
    let config = table("freshness = { unused_ratio = 0.5, seed = SEED }", 0);
    let mut selection = config.init();
    (0..10).for_each(|offset| selection.observe(&insert(offset)));
    assert_eq!(ids(&config, &mut *selection, 0).len(), 10);
    // no sample is unused, so none is chosen.
    assert_eq!(ids(&config, &mut *selection, 1), [0; 0]);
    let at = Position::new(30, Id(30));
    let relabelled = Change { kind: Kind::Label, at, record: record(4, 4, 1), before: Some(0) };
    selection.observe(&relabelled);
    let chosen = ids(&config, &mut *selection, 2);
    assert!(chosen.len() == 2 && chosen.contains(&4), "{chosen:?}");
}

#[test]
fn a_limit_holds_for_all_partitions_together() {
    for text in ["keep = \"last\"", "keep = \"uniform\"", "keep = \"reservoir\""] {
        let config = table(&format!("new_data = {{ limit = 7, {text} }}"), 0);
        let mut all = driftmill_operators::selection::Proposal::default();
        for partition in 0..5u64 {
            let mut selection = config.init();
            for offset in 0..20 {
                selection.observe(&insert(partition << 40 | offset));
            }
            all.add(selection.propose(0));
        }
        assert_eq!((all.available, config.combine(all).rows.len()), (100, 7), "{text}");
    }
}
