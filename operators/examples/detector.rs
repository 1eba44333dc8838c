//! Finds the change in a list of values with ADWIN.
#![expect(clippy::print_stdout, reason = "an example shows its result")]

use driftmill_operators::prelude::*;

/// Indices at which ADWIN reports drift, in values whose mean rises from 0.2 to 0.8 after 500 of them.
fn drifts() -> Vec<usize> {
    let table: DetectorTable = toml::from_str("adwin = { delta = 0.002 }").expect("a detector");
    let mut detector = table.init();
    let values = (0..1000).map(|i| if i < 500 { 0.2 } else { 0.8 });
    values
        .enumerate()
        .filter(|(_, value)| detector.observe(*value) == Signal::Drift)
        .map(|(index, _)| index)
        .collect()
}

fn main() {
    println!("drift at the indices {:?}", drifts());
}

#[test]
fn a_detector_finds_a_change() {
    let drifts = drifts();
    assert!(drifts.first().is_some_and(|first| (500..600).contains(first)), "{drifts:?}");
}
