//! The decisions of triggers on performance and on costs.

use driftmill_operators::Change;

use crate::labelled::{insert, places, play, trigger, values, zero};

/// Labelled samples. Of each four, `wrong[i]` are predicted wrongly.
fn intervals(wrong: &[u64]) -> Vec<Change> {
    let label = |i: u64| u32::from(i % 4 < wrong[i as usize / 4]);
    (0..4 * wrong.len() as u64).map(|i| insert(i, Some(label(i)))).collect()
}

fn played(table: &str, wrong: &[u64]) -> (Vec<f64>, Vec<usize>) {
    let said = play(&mut *trigger(table), &intervals(wrong), 1.0, &zero);
    let decided = said.decided.iter().filter(|(_, decision)| decision.measurement.is_some());
    (values(&said), decided.map(|(index, _)| index / 4).collect())
}

/// Modyn's decision rules, where low values fire. Differences: without a history nothing fires, while Modyn
/// fires at the first value. The values here are accuracies of four samples.
#[test]
fn accuracies_fire_as_in_modyn() {
    let performance = "[performance]\nevery = 4\nmetrics.accuracy = ";
    let wrong = [0, 0, 1, 2, 1, 3, 4, 0];
    let accuracies = vec![1.0, 0.75, 0.5, 0.75, 0.25, 0.0, 1.0];
    let fixed = played(&format!("{performance}{{ threshold = 0.5 }}"), &wrong);
    assert_eq!(fixed, (accuracies.clone(), vec![3, 5, 6]));
    // quartiles of the last four: –, 1, 0.8125, 0.625, 0.6875, 0.4375, 0.1875.
    let quantile = "{ threshold = { quantile = 0.25, of = 4 } }";
    let quantile = played(&format!("{performance}{quantile}"), &wrong);
    assert_eq!(quantile, (accuracies.clone(), vec![2, 3, 5, 6]));
    // averages of the last three: –, 1, 0.875, 0.75, 0.667, 0.5, 0.333.
    let average = "{ threshold = { below_average = 0.3, of = 3, relative = false } }";
    let average = played(&format!("{performance}{average}"), &wrong);
    assert_eq!(average, (accuracies, vec![3, 5, 6]));
}

#[test]
fn one_firing_metric_is_sufficient() {
    let table = "[performance]\nevery = 4\nmetrics.accuracy = { threshold = 0.1 }\n\
                 metrics.loss = { threshold = 0.8 }";
    let said = play(&mut *trigger(table), &intervals(&[0, 0, 2, 0]), 1.0, &zero);
    let (_, decision) = &said.decided[1];
    let mean = -(0.75f64.ln() + 0.25f64.ln()) / 2.0;
    assert_eq!(decision.reason.text, format!("loss {mean:.4} ≥ 0.8"));
    let fires: Vec<bool> = said.measurements[1].scores.iter().map(|score| score.fires).collect();
    assert_eq!(fires, [false, true]);
}

#[test]
fn avoidable_misclassifications_add_up_until_a_training() {
    let table = "[performance]\nevery = 4\nmetrics.avoidable_misclassifications = ";
    let hindsight = format!("{table}{{ threshold = 3, expected_accuracy = 0.75 }}");
    // one of four is expected to be wrong.
    let wrong = [0, 2, 0, 3, 1, 2, 4, 1];
    assert_eq!(played(&hindsight, &wrong), (vec![1.0, 1.0, 3.0, 0.0, 1.0, 4.0, 0.0], vec![3, 6]));
    let reduced =
        format!("{table}{{ threshold = 3, expected_accuracy = 0.75, allow_reduction = true }}");
    assert_eq!(played(&reduced, &wrong), (vec![1.0, 0.0, 2.0, 2.0, 3.0, 3.0, 0.0], vec![5, 6]));
    // the mean accuracy since the training is the forecast for the next interval.
    let lookahead =
        format!("{table}{{ threshold = 3, expected_accuracy = 0.75, lookahead = true }}");
    let (sums, decided) = played(&lookahead, &[0, 2, 3, 1]);
    assert_eq!((sums, decided), (vec![2.0, 4.5, 0.0], vec![2]));
}

#[test]
fn an_expected_accuracy_is_forecast_from_new_models() {
    let table = "[performance]\nevery = 4\n\
                 metrics.avoidable_misclassifications = { threshold = 2 }";
    // the first model begins with 1.0: then 2 of 4 are avoidable. The second begins with 0.5, so that (1 +
    // 0.5) / 2 is expected: 1 is avoidable, and 2 with the next interval.
    let found = played(table, &[0, 0, 2, 2, 2, 0]);
    assert_eq!(found, (vec![0.0, 2.0, 1.0, 2.0, 0.0], vec![2, 4]));
}

#[test]
fn the_warm_up_only_begins_histories() {
    let table = "[performance]\nevery = 4\nwarmup = 16\nwarmup_trigger.amount = { every = 8 }\n\
                 metrics.accuracy = { threshold = { quantile = 0.0, of = 9 } }";
    let said = play(&mut *trigger(table), &intervals(&[0, 0, 2, 0, 1, 3]), 1.0, &zero);
    // the second and the fourth interval train; the third is measured, and the fifth is not below its
    // bound.
    assert_eq!(said.asked.len(), 3);
    assert_eq!(values(&said), [0.5, 0.75, 0.25]);
    assert_eq!(places(&said), [7, 15, 23]);
    assert_eq!(said.decided[2].1.reason.text, "accuracy 0.2500 < 0.5");
}

#[test]
fn a_regret_grows_until_it_pays_to_train() {
    // one sample a second, four samples an interval, 2 s · samples for a training.
    let costs = "conversion = 0.5\ntraining.declared = { fixed = 1, per_sample = 0.25 }";
    let data = format!("[data_incorporation_cost]\nevery = 4\n{costs}");
    // areas: 3 + 2 + 1 + 0 = 6, then 4 · 4 more and again 6.
    let (values, decided) = played(&data, &[0; 6]);
    assert_eq!((values, decided), (vec![3.0, 3.0, 3.0, 3.0, 3.0], vec![1, 2, 3, 4, 5]));
    let dear = data.replace("fixed = 1", "fixed = 9");
    assert_eq!(played(&dear, &[0; 6]), (vec![3.0, 14.0, 3.0, 14.0, 3.0], vec![2, 4]));
    let wrong =
        format!("[avoidable_misclassification_cost]\nevery = 4\nexpected_accuracy = 0.75\n{costs}");
    // 1 avoidable error in 4 s: area 2; then 1 · 4 + 3 · 4 / 2 more.
    assert_eq!(played(&wrong, &[0, 2, 4, 0]), (vec![1.0, 6.0, 0.0], vec![2]));
}

#[test]
fn training_costs_are_estimated_from_past_trainings() {
    let table = "[data_incorporation_cost]\nevery = 4\nconversion = 1\n\
                 training.measured = { window = 2 }";
    // 6, then 28, compared with the 10 s of the first training.
    let said = play(&mut *trigger(table), &intervals(&[0; 6]), 10.0, &zero);
    assert_eq!(places(&said), [3, 11, 19]);
    assert!(
        said.measurements.iter().all(|measurement| measurement.scores[0].threshold == Some(10.0))
    );
}
