//! Finds the change in a list of values with ADWIN.

use driftmill_operators::prelude::*;

pub(crate) fn main() {
    let table: DetectorTable = toml::from_str("adwin = { delta = 0.002 }").expect("a detector");
    let mut detector = table.init();
    // the mean rises from 0.2 to 0.8 after 500 values.
    let values: Vec<f64> = (0..1000).map(|i| if i < 500 { 0.2 } else { 0.8 }).collect();
    let drifts: Vec<usize> = values
        .iter()
        .enumerate()
        .filter(|(_, value)| detector.observe(**value) == Signal::Drift)
        .map(|(index, _)| index)
        .collect();
    assert!(drifts.first().is_some_and(|first| (500..600).contains(first)), "{drifts:?}");
}
