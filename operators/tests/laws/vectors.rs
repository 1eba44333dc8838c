//! Worked examples of decisions of triggers and contents of windows.
//!
//! An index here is the change at which a decision is made, with its cut. A decision before change i has
//! index i − 1 in other papers.
use crate::host::{decisions, stream};
use driftmill_operators::drift::window::{WindowTable, Windows};
use driftmill_operators::trigger::{Cut, TriggerTable};
use driftmill_operators::{Change, Id};

fn trigger(table: &str) -> TriggerTable {
    toml::from_str(table).unwrap()
}

fn decided(table: &str, changes: &[Change]) -> Vec<(usize, Cut)> {
    decisions(&mut *trigger(table).init(), changes, u64::MAX)
}

fn before(indices: &[usize]) -> Vec<(usize, Cut)> {
    indices.iter().map(|index| (*index, Cut::Before)).collect()
}

fn after(indices: &[usize]) -> Vec<(usize, Cut)> {
    indices.iter().map(|index| (*index, Cut::After)).collect()
}

#[test]
fn time_decides_before_the_sample_that_ends_a_period() {
    // Modyn decides once for each period that passed; all but one of these trainings have no samples.
    let every = "[time]\nevery = \"10ms\"";
    assert_eq!(decided(every, &stream([0, 1, 9, 10, 11, 35])), before(&[3, 5]));
    assert_eq!(decided(every, &stream([0, 1, 9, 10, 11, 35, 36, 40, 41])), before(&[3, 5, 7]));
    assert_eq!(decided(every, &stream([5, 14, 15, 25, 25, 26])), before(&[2, 3]));
    let from_zero = "[time]\nevery = \"10ms\"\nstart = 0";
    assert_eq!(decided(from_zero, &stream([25, 26, 30])), before(&[0, 2]));
}

#[test]
fn amount_decides_after_every_nth_sample() {
    assert_eq!(decided("[amount]\nevery = 4", &stream(0..19)), after(&[3, 7, 11, 15]));
}

#[test]
fn drift_that_always_finds_drift_decides_like_amount() {
    let always = "[drift]\nevery = 4\nmetrics.ks = { threshold = -1.0 }\n\
                  windows.amount = { reference = 8, current = 4 }";
    assert_eq!(decided(always, &stream(0..19)), after(&[3, 7, 11, 15]));
}

#[test]
fn a_warm_up_compares_nothing() {
    let windows = "windows.amount = { reference = 8, current = 4 }";
    let always =
        format!("[drift]\nevery = 4\nwarmup = 12\nmetrics.ks = {{ threshold = -1.0 }}\n{windows}");
    assert_eq!(decided(&always, &stream(0..21)), after(&[11, 15, 19]));
    let with_trigger = format!("{always}\nwarmup_trigger.amount = {{ every = 6 }}");
    assert_eq!(decided(&with_trigger, &stream(0..21)), after(&[7, 11, 15, 19]));
}

fn ids(items: &std::collections::VecDeque<(i64, Id)>) -> Vec<u64> {
    items.iter().map(|(_, id)| id.0).collect()
}

fn windows(table: &str) -> Windows {
    toml::from_str::<WindowTable>(table).unwrap().init()
}

fn at(times: &[i64]) -> Vec<(i64, Id)> {
    times.iter().map(|time| (*time, Id(*time as u64))).collect()
}

#[test]
fn time_windows_without_overlap() {
    let mut windows = windows("[time]\nreference = \"10ms\"\ncurrent = \"4ms\"");
    windows.observe(&at(&[0, 1, 2]));
    windows.trained();
    assert_eq!(ids(windows.reference()), [0, 1, 2]);
    windows.observe(&at(&[3, 5, 7]));
    assert_eq!(ids(windows.current()), [3, 5, 7]);
    windows.observe(&at(&[8, 9, 12]));
    assert_eq!(ids(windows.current()), [8, 9, 12]);
    windows.trained();
    assert_eq!(ids(windows.reference()), [2, 3, 5, 7, 8, 9, 12]);
    assert!(windows.current().is_empty());
    windows.observe(&at(&[13, 20]));
    assert_eq!(ids(windows.current()), [20]);
}

#[test]
fn time_windows_with_overlap() {
    let mut windows = windows("[time]\nreference = \"10ms\"\ncurrent = \"4ms\"\noverlap = true");
    windows.observe(&at(&[0, 1, 2]));
    windows.trained();
    windows.observe(&at(&[3, 5, 7]));
    windows.observe(&at(&[8, 9, 12]));
    windows.trained();
    assert_eq!(ids(windows.reference()), [2, 3, 5, 7, 8, 9, 12]);
    assert_eq!(ids(windows.current()), [8, 9, 12]);
    windows.observe(&at(&[13, 20]));
    assert_eq!(ids(windows.current()), [20]);
}

#[test]
fn samples_that_leave_the_current_window_enter_the_reference_once() {
    let mut windows = windows("[amount]\nreference = 10\ncurrent = 5");
    for chunk in [[0, 1], [2, 3], [4, 5]] {
        windows.observe(&at(&chunk));
    }
    assert_eq!(ids(windows.current()), [1, 2, 3, 4, 5]);
    windows.trained();
    assert_eq!(ids(windows.reference()), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn a_chunk_longer_than_the_current_window_loses_nothing() {
    let mut windows = windows("[amount]\nreference = 10\ncurrent = 3");
    windows.observe(&at(&[0, 1, 2, 3, 4, 5, 6]));
    windows.trained();
    assert_eq!(ids(windows.reference()), [0, 1, 2, 3, 4, 5, 6]);
}

#[test]
fn amount_windows_with_overlap_keep_the_current_window() {
    let mut windows = windows("[amount]\nreference = 6\ncurrent = 3\noverlap = true");
    for (chunk, trained) in [([0, 1, 2], true), ([3, 4, 5], false), ([6, 7, 8], true)] {
        windows.observe(&at(&chunk));
        if trained {
            windows.trained();
        }
    }
    assert_eq!(ids(windows.reference()), [3, 4, 5, 6, 7, 8]);
    assert_eq!(ids(windows.current()), [6, 7, 8]);
}

#[test]
fn retracted_samples_leave_the_windows() {
    let mut windows = windows("[amount]\nreference = 6\ncurrent = 3");
    windows.observe(&at(&[0, 1, 2]));
    windows.trained();
    windows.observe(&at(&[3, 4, 5, 6]));
    [1, 3, 5].into_iter().for_each(|id| windows.retract(Id(id)));
    windows.trained();
    assert_eq!(ids(windows.reference()), [0, 2, 4, 6]);
}
