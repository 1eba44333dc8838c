//! Late, corrected and retracted labels, for all triggers that use labels and for the sequential
//! trigger.

use driftmill_operators::trigger::{Outcome, TriggerTable};
use driftmill_operators::{Change, Position};
use proptest::prelude::*;

use crate::labelled::{insert, label, places, play, retract, trigger, values, zero};

const ACCURACY: &str = "[performance]\nevery = 4\nmetrics.accuracy = { threshold = 0.25 }";

#[test]
fn a_sample_enters_when_its_label_comes() {
    let mut changes: Vec<Change> = (0..4).map(|i| insert(i, Some(0))).collect();
    changes.extend((4..9).map(|i| insert(i, None)));
    changes.extend([8, 7, 6, 4].map(|i| label(20 - i, i, None, Some(0))));
    for table in [
        ACCURACY,
        "[sequential]\non = \"error\"\nevery = 4\ndetector.ddm = {}",
        "[sequential]\non = \"loss\"\nevery = 4\ndetector.cusum = {}",
        "[avoidable_misclassification_cost]\nevery = 4\nconversion = 0.001\n\
         training.declared = { fixed = 5, per_sample = 1 }",
    ] {
        let said = play(&mut *trigger(table), &changes, 1.0, &zero);
        assert_eq!(said.asked, [[8, 7, 6, 4]], "{table}");
        assert_eq!(places(&said), [3], "{table}");
        let window = &said.measurements[0].windows[0];
        assert_eq!((window.first_time, window.last_time), (Some(12_000), Some(16_000)));
    }
}

#[test]
fn triggers_without_labels_do_not_wait_for_them() {
    let changes: Vec<Change> = (0..8).map(|i| insert(i, None)).collect();
    let table = "[sequential]\non = \"margin\"\nevery = 4\ndetector.adwin = {}";
    assert_eq!(play(&mut *trigger(table), &changes, 1.0, &zero).asked, [[4, 5, 6, 7]]);
}

#[test]
fn a_label_is_corrected_until_its_interval_is_complete() {
    let mut changes: Vec<Change> = (0..7).map(|i| insert(i, Some(0))).collect();
    // two labels of the current interval change; the complete interval does not change.
    changes.extend([label(7, 4, Some(0), Some(1)), label(8, 5, Some(0), Some(1))]);
    changes.extend([label(9, 0, Some(0), Some(1)), insert(10, Some(0))]);
    // afterwards no question is repeated.
    changes.extend([label(11, 10, Some(0), Some(1))]);
    let said = play(&mut *trigger(ACCURACY), &changes, 1.0, &zero);
    assert_eq!(said.asked, [[4, 5, 6, 10]]);
    assert_eq!(values(&said), [0.5]);
}

#[test]
fn retracted_samples_leave_the_open_interval() {
    let mut changes: Vec<Change> = (0..7).map(|i| insert(i, Some(0))).collect();
    changes.extend([retract(7, 5), label(8, 6, Some(0), None), retract(9, 1)]);
    changes.extend([insert(10, Some(0)), insert(11, None), label(12, 6, None, Some(1))]);
    changes.extend([insert(13, Some(1))]);
    let said = play(&mut *trigger(ACCURACY), &changes, 1.0, &zero);
    assert_eq!(said.asked, [[4, 10, 6, 13]]);
    assert_eq!(values(&said), [0.5]);
}

#[test]
fn a_drift_is_reported_with_the_sample_that_shows_it() {
    let table = "[sequential]\non = \"error\"\nevery = 50\nrestart = RESTART\ndetector.ddm = {}";
    // one error in five, and four in five from sample 510 on.
    let labels = (0..1000u64).map(|i| u32::from((i % 5 == 0) == (i < 510)));
    let changes: Vec<Change> = (0..).zip(labels).map(|(i, label)| insert(i, Some(label))).collect();
    let [kept, again] = ["false", "true"].map(|restart| {
        play(&mut *trigger(&table.replace("RESTART", restart)), &changes, 1.0, &zero)
    });
    // either policy watches the rest of the interval.
    assert_eq!(kept.decided, again.decided);
    assert_eq!(places(&again), [49, 549]);
    let (_, decision) = &again.decided[1];
    let (reason, score) = (&decision.reason, &again.measurements[9].scores[0]);
    assert!(reason.text.starts_with("ddm 0.2"), "{}", reason.text);
    assert!(reason.text.ends_with("at sample 0/0/539, 40 of 50"), "{}", reason.text);
    assert_eq!((reason.score, reason.threshold), (Some(score.value), score.threshold));
    assert!(score.fires && score.value > score.threshold.unwrap() && score.metric == "ddm");
}

#[test]
fn after_a_training_a_detector_starts_again() {
    let table = "[sequential]\non = \"error\"\nevery = 50\nrestart = RESTART\ndetector.ddm = {}";
    let [kept, again] = ["false", "true"].map(|restart| {
        let mut trigger = trigger(&table.replace("RESTART", restart));
        let steady = |range: std::ops::Range<u64>| -> Vec<Change> {
            range.map(|i| insert(i, Some(u32::from(i % 5 == 0)))).collect()
        };
        play(&mut *trigger, &steady(0..500), 1.0, &zero);
        trigger.trained(&Outcome {
            samples: 1,
            seconds: 1.0,
            ..Outcome::trained(1, 2, Position::MIN)
        });
        // wrong from here on: 30 samples are too few for a detector without earlier values.
        let wrong: Vec<Change> = (500..550).map(|i| insert(i, Some(1))).collect();
        places(&play(&mut *trigger, &wrong, 1.0, &zero))
    });
    assert_eq!((kept, again), (vec![49], vec![]));
}

#[test]
fn a_detector_must_accept_the_observed_values() {
    let problems = |text: &str| toml::from_str::<TriggerTable>(text).unwrap().check();
    let table =
        |on: &str, detector: &str| format!("[sequential]\non = {on}\ndetector.{detector} = {{}}");
    let unit = "ddm watches values from 0 to 1: wanted \"error\", \"margin\" or \"confidence\"";
    assert_eq!(problems(&table("\"loss\"", "ddm")), [("on", unit.to_owned())]);
    let bits = "eddm watches errors: wanted on = \"error\"";
    assert_eq!(problems(&table("\"margin\"", "eddm")), [("on", bits.to_owned())]);
    assert_eq!(problems(&table("{ feature = 2 }", "kswin")), []);
    let nested = format!(
        "{}\nwarmup_trigger.drift = {{ every = 4, windows.amount = {{ reference = 8, current = 4 }}, metrics.ks = {{ threshold = 1 }} }}",
        table("\"error\"", "ddm")
    );
    assert_eq!(problems(&nested), [("warmup_trigger", "wanted `amount` or `time`".to_owned())]);
    let cost = "[data_incorporation_cost]\nevery = 4\nconversion = 0\n\
                training.declared = { fixed = -1, per_sample = 0 }";
    let wrong = ["wanted a number above 0", "declared seconds must be numbers from 0 on"];
    let keys = ["conversion", "training"];
    let expected: Vec<_> = keys.into_iter().zip(wrong.map(str::to_owned)).collect();
    assert_eq!(problems(cost), expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Late, corrected and retracted labels and retracted samples, with a restart at any change.
    #[test]
    fn a_restored_trigger_of_labels_continues_as_if_never_stopped(
        events in proptest::collection::vec((0u8..6, 0u64..40, 0u32..2), 200),
        cut in 0usize..200,
    ) {
        let changes: Vec<Change> = (40..).zip(&events).map(|(at, (kind, offset, class))| {
            match kind {
                0 | 1 => insert(at, Some(*class)),
                2 => insert(at, None),
                3 => label(at, at.saturating_sub(*offset), None, Some(*class)),
                4 => label(at, at.saturating_sub(*offset), Some(0), (*class == 1).then_some(1)),
                _ => retract(at, at.saturating_sub(*offset)),
            }
        }).collect();
        let costs = "conversion = 0.1\ntraining.measured = { window = 3 }";
        for table in [
            "[performance]\nevery = 5\nwarmup = 12\nmetrics.f1 = { threshold = 0.4 }\n\
             metrics.accuracy = { threshold = { quantile = 0.2, of = 4 } }\n\
             metrics.avoidable_misclassifications = { threshold = 9, lookahead = true }".to_owned(),
            "[sequential]\non = \"error\"\nevery = 5\ndetector.hddm_w = { lambda = 0.5 }".to_owned(),
            "[sequential]\non = \"loss\"\nevery = 5\nwarmup = 10\nwarmup_trigger.amount = { every = 6 }\n\
             detector.cusum = { warmup = 9, h = 2 }".to_owned(),
            format!("[data_incorporation_cost]\nevery = 5\n{costs}"),
            format!("[avoidable_misclassification_cost]\nevery = 5\n{costs}"),
        ] {
            let row = |offset: u64| [[0.75, 0.25], [0.25, 0.75]][offset as usize % 3 / 2];
            let mut first = trigger(&table);
            play(&mut *first, &changes[..cut], 2.0, &row);
            let mut second = trigger(&table);
            second.load(&first.save()).unwrap();
            let [went_on, restored] =
                [first, second].map(|mut trigger| play(&mut *trigger, &changes[cut..], 2.0, &row));
            prop_assert_eq!(went_on, restored, "{}", table);
        }
    }
}
