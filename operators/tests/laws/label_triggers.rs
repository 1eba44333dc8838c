//! Triggers on new classes and on the balance of classes.

use crate::labelled::{insert, label, places, play, retract, trigger, zero};
use driftmill_operators::trigger::{Outcome, Step, Trigger};
use driftmill_operators::{Change, Kind, Position};
use proptest::prelude::*;

fn decided(table: &str, changes: &[Change]) -> Vec<usize> {
    places(&play(&mut *trigger(table), changes, 1.0, &zero))
}

const THREE: &str = "[new_class]\nsamples = 3";

#[test]
fn a_class_is_new_until_a_version_is_made() {
    let labels = [0, 0, 1, 0, 1, 1, 1, 2, 3, 2, 2];
    let changes: Vec<Change> =
        labels.iter().enumerate().map(|(i, label)| insert(i as u64, Some(*label))).collect();
    // at 3 class 1 already has a sample and is known from then on; the same holds for class 3 at 10.
    assert_eq!(decided(THREE, &changes), [3, 10]);
    assert_eq!(decided("[new_class]", &changes), [0, 2, 7, 8]);
    assert_eq!(decided("[new_class]", &[insert(0, None), insert(1, None)]), [0usize; 0]);
}

#[test]
fn labels_count_when_they_arrive_and_not_when_they_are_retracted() {
    let late = [insert(0, None), insert(1, Some(5)), label(2, 0, None, Some(5))];
    let third = |change| [&late[..], &[change]].concat();
    assert_eq!(decided(THREE, &third(insert(3, Some(5)))), [3]);
    let one_less =
        |change| [&third(change)[..], &[insert(4, Some(5)), insert(5, Some(5))]].concat();
    let retracted = [retract(3, 1), label(3, 1, Some(5), None), label(3, 1, Some(5), Some(6))];
    for change in retracted {
        assert_eq!(decided(THREE, &one_less(change)), [5], "{change:?}");
    }
    // a deletion gives the reason for a retraction, and a corrected label counts for its class.
    let delete = Change { kind: Kind::Delete, ..retract(3, 1) };
    assert_eq!(decided(THREE, &one_less(delete)), [4]);
    assert_eq!(decided(THREE, &one_less(label(3, 1, Some(5), Some(5)))), [4]);
}

#[test]
fn a_class_without_a_version_decides_again_after_as_many() {
    let mut trigger = trigger(THREE);
    let mut made = Vec::new();
    for i in 0..12 {
        if let Step::Fire(_) = trigger.observe(&insert(i, Some(0))) {
            made.push(i);
            let version = (made.len() == 3).then_some(0);
            let outcome = Outcome { version, ..Outcome::failed(0, Position::MIN) };
            trigger.trained(&outcome);
        }
    }
    assert_eq!(made, [2, 5, 8]);
}

const BALANCE: &str = "[class_balance]\nevery = 20\np_value = 0.01\n\
                       windows.amount = { reference = 40, current = 40 }";

/// Every `period`-th sample is of class 1.
fn balanced(samples: std::ops::Range<u64>, period: u64) -> Vec<Change> {
    samples.map(|i| insert(i, Some(u32::from(i % period == 0)))).collect()
}

#[test]
fn classes_with_unchanged_frequencies_cause_no_training() {
    assert_eq!(decided(BALANCE, &balanced(0..400, 4)), [19]);
    let shifted = [balanced(0..100, 5), balanced(100..200, 2)].concat();
    let warm = BALANCE.replace("every = 20", "every = 20\nwarmup = 40");
    let said = play(&mut *trigger(&warm), &shifted, 1.0, &zero);
    // 8 of 40 are of class 1, then 20 of 40: χ² is 7.91.
    assert_eq!(places(&said)[..2], [39, 139]);
    assert!(said.asked.is_empty());
    let windows = |measurement: usize| {
        said.measurements[measurement]
            .windows
            .iter()
            .map(|window| window.samples)
            .collect::<Vec<_>>()
    };
    assert_eq!((windows(0), windows(2)), (vec![40, 20], vec![40, 40]));
}

#[test]
fn corrections_reach_samples_in_the_windows() {
    // as balanced as before, except for labels that are corrected after their interval.
    let mut changes = balanced(0..59, 2);
    let fixed = |i: u64| label(59, i, Some(u32::from(i.is_multiple_of(2))), Some(1));
    changes.extend((20..40).map(fixed));
    changes.push(insert(59, Some(1)));
    let said = play(&mut *trigger(BALANCE), &changes, 1.0, &zero);
    let last = &said.measurements.last().unwrap().scores[0];
    // 10 and 10 in the reference; 10 and 30 in the current window, with one of the last now of class 1.
    let wanted = decided_p([[10, 9], [10, 31]]);
    assert_eq!(last.p_value, Some(wanted));
    let mut retracted = balanced(0..59, 2);
    retracted.extend((20..30).map(|i| retract(59, i)));
    retracted.push(insert(59, Some(1)));
    let said = play(&mut *trigger(BALANCE), &retracted, 1.0, &zero);
    assert_eq!(said.measurements.last().unwrap().windows[1].samples, 30);
}

/// The p-value of two classes, from the relation of χ² with one degree of freedom to the normal
/// distribution.
fn decided_p([[a, b], [c, d]]: [[u32; 2]; 2]) -> f64 {
    let [a, b, c, d] = [a, b, c, d].map(f64::from);
    let n = a + b + c + d;
    let statistic = n * (a * d - b * c).powi(2) / ((a + b) * (c + d) * (a + c) * (b + d));
    libm::erfc((statistic / 2.0).sqrt())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn results_do_not_depend_on_the_names_of_classes(
        labels in prop::collection::vec(0u32..5, 40..300),
        names in Just([0u32, 1, 2, 3, 4]).prop_shuffle(),
    ) {
        let named = |name: &dyn Fn(u32) -> u32| -> Vec<Change> {
            let labels = labels.iter().enumerate();
            labels.map(|(i, label)| insert(i as u64, Some(name(*label)))).collect()
        };
        for table in [THREE, BALANCE] {
            let [one, other] = [named(&|label| label), named(&|label| names[label as usize] * 7)]
                .map(|changes| decided(table, &changes));
            prop_assert_eq!(one, other);
        }
    }

    /// Late labels, corrections and retractions: a restored policy handles them as before.
    #[test]
    fn a_restored_policy_continues(
        steps in prop::collection::vec((0u64..60, 0u32..4, 0u8..5), 0..300),
        cut in any::<prop::sample::Index>(),
    ) {
        let changes = story(&steps);
        let cut = cut.index(changes.len() + 1);
        for table in [THREE, BALANCE] {
            let (mut first, mut second) = (trigger(table), trigger(table));
            play(&mut *first, &changes[..cut], 1.0, &zero);
            second.load(&first.save()).unwrap();
            let rest = |trigger: &mut dyn Trigger| play(trigger, &changes[cut..], 1.0, &zero);
            let went_on = rest(&mut *first);
            for measurement in &went_on.measurements {
                prop_assert!(measurement.scores.iter().all(|score| score.value.is_finite()));
            }
            prop_assert_eq!(went_on, rest(&mut *second));
        }
    }
}

/// Samples arrive, and 60 of them at a time are relabelled or retracted.
fn story(steps: &[(u64, u32, u8)]) -> Vec<Change> {
    let mut there: std::collections::BTreeMap<u64, Option<u32>> = Default::default();
    let mut changes = Vec::new();
    for (at, (offset, class, what)) in steps.iter().enumerate() {
        let at = at as u64 + 1000;
        match (there.get(offset).copied(), what) {
            (None, 0) => changes.push(insert(*offset, None)),
            (None, _) => changes.push(insert(*offset, Some(*class))),
            (Some(_), 0) => changes.push(retract(at, *offset)),
            (Some(Some(before)), 1) => changes.push(label(at, *offset, Some(before), None)),
            (Some(before), _) => changes.push(label(at, *offset, before, Some(*class))),
        }
        let last = changes.last().map(|change| (change.kind, change.record.label));
        match last {
            Some((Kind::Retract, _)) => there.remove(offset),
            Some((_, label)) => there.insert(*offset, label),
            None => None,
        };
    }
    changes
}
