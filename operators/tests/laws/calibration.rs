//! Calibrated thresholds have the documented rates on new streams.

use driftmill_operators::calibration::{
    Basis, CalibrationError, Rate, Search, extrapolated, observed,
};
use driftmill_operators::criterion::Direction;
use driftmill_operators::drift::detector::{DetectorTable, Domain, Signal};
use driftmill_operators::trigger::Aggregate;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

fn uniform(seed: u64, count: usize) -> Vec<f64> {
    let mut random = Pcg64::seed_from_u64(seed);
    (0..count).map(|_| random.random()).collect()
}

/// The input of a detector without changes.
fn stable(domain: Domain, seed: u64, count: usize) -> Vec<f64> {
    let mut random = Pcg64::seed_from_u64(seed);
    let mut value = || match domain {
        // the sum of twelve uniform numbers is nearly normal.
        Domain::Real => (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0,
        _ => f64::from(random.random::<f64>() < 0.2),
    };
    (0..count).map(|_| value()).collect()
}

fn rate(share: f64) -> Rate {
    Rate::new(share).unwrap()
}

#[test]
fn rates_and_thresholds_are_those_of_the_proposal() {
    for (values, wanted) in [(200, 0.02), (1000, 0.01), (100, 0.01)] {
        let (mut rates, mut thresholds, mut mean) = (0, 0, 0.0);
        for seed in 0..500 {
            let proposal =
                observed(&uniform(seed, values), Direction::Higher, rate(wanted)).unwrap();
            // the share of values from 0 to 1 above the threshold.
            let found = 1.0 - proposal.threshold;
            assert!(proposal.rate <= wanted);
            mean += (found - proposal.rate) / 500.0;
            rates += usize::from(proposal.rate_range.contains(found));
            thresholds += usize::from(proposal.range.contains(1.0 - wanted));
        }
        // 95 % of 500 are 475, with a standard deviation of 5.
        assert!((455..=495).contains(&rates), "{rates} of {values}");
        assert!(thresholds >= 455, "{thresholds} of {values}");
        assert!(mean.abs() < 0.1 * wanted, "{mean} for {wanted}");
    }
}

#[test]
fn a_tail_is_extrapolated_beyond_the_observed_values() {
    let (mut within, mut mean) = (0, 0.0);
    for seed in 0..200 {
        let values: Vec<f64> = uniform(seed, 300).iter().map(|u| -(1.0 - u).ln()).collect();
        let proposal = extrapolated(&values, Direction::Higher, rate(0.001), seed).unwrap();
        assert!(matches!(proposal.basis, Basis::Extrapolated(_)));
        assert!(values.iter().all(|value| *value < proposal.threshold));
        within += usize::from(proposal.range.contains(1000f64.ln()));
        mean += proposal.threshold / 200.0;
    }
    // the range from drawn tails covers less than its level, but must not cover much less.
    assert!(within >= 160, "{within} of 200");
    assert!((mean - 1000f64.ln()).abs() < 0.5, "{mean}");
}

#[test]
fn impossible_rates_are_refused() {
    let few = observed(&uniform(0, 99), Direction::Higher, rate(0.01));
    assert_eq!(few, Err(CalibrationError::TooFew { values: 99, needed: 100 }));
    assert!(observed(&uniform(0, 100), Direction::Higher, rate(0.01)).is_ok());
    let few = extrapolated(&uniform(0, 39), Direction::Higher, rate(0.01), 0);
    assert_eq!(few, Err(CalibrationError::TooFew { values: 39, needed: 40 }));
    let constant = extrapolated(&[1.0; 50], Direction::Higher, rate(0.01), 0);
    assert_eq!(constant, Err(CalibrationError::Constant));
    let strange = observed(&[f64::NAN; 200], Direction::Higher, rate(0.01));
    assert!(matches!(strange, Err(CalibrationError::Value(_))));
}

#[test]
fn metrics_that_vote_share_a_rate() {
    let each = |aggregate| rate(0.04).shared(4.try_into().unwrap(), aggregate).get();
    let two = Aggregate::AtLeast(2.try_into().unwrap());
    let all = [Aggregate::Any, two, Aggregate::Majority, Aggregate::All];
    assert_eq!(all.map(each), [0.01, 0.02, 0.03, 0.04]);
}

proptest! {
    #[test]
    fn a_smaller_rate_asks_for_more(
        values in proptest::collection::vec(-10.0..10.0f64, 40..200),
        (some, other) in (0.001..0.5f64, 0.001..0.5f64),
    ) {
        let [low, high] = [some.min(other), some.max(other)];
        for direction in [Direction::Higher, Direction::Lower] {
            let sign = if direction == Direction::Higher { 1.0 } else { -1.0 };
            let fired = |bound: f64| values.iter().filter(|value| sign * **value >= sign * bound).count();
            if let Ok(strict) = observed(&values, direction, rate(low)) {
                let lax = observed(&values, direction, rate(high)).unwrap();
                prop_assert!(sign * strict.threshold >= sign * lax.threshold);
                prop_assert!(fired(lax.threshold) as f64 <= high * values.len() as f64 + 1e-9);
            }
            let [strict, lax] = [low, high].map(|share| extrapolated(&values, direction, rate(share), 1));
            if let (Ok(strict), Ok(lax)) = (strict, lax) {
                prop_assert!(sign * strict.threshold >= sign * lax.threshold);
                prop_assert_eq!(fired(lax.threshold), 0);
            }
        }
    }

    #[test]
    fn thresholds_do_not_depend_on_order_unit_or_side(
        values in proptest::collection::vec(-10.0..10.0f64, 100..150).prop_shuffle(),
    ) {
        let one = observed(&values, Direction::Higher, rate(0.05)).unwrap();
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        prop_assert_eq!(&one, &observed(&sorted, Direction::Higher, rate(0.05)).unwrap());
        let mirrored: Vec<f64> = values.iter().map(|value| -value).collect();
        let other = observed(&mirrored, Direction::Lower, rate(0.05)).unwrap();
        prop_assert_eq!(other.threshold, -one.threshold);
        prop_assert_eq!(other.range.low, one.range.high.map(|end| -end));
        let doubled: Vec<f64> = values.iter().map(|value| 2.0 * value).collect();
        let doubled = observed(&doubled, Direction::Higher, rate(0.05)).unwrap();
        prop_assert_eq!(doubled.threshold, 2.0 * one.threshold);
    }
}

fn every() -> impl Iterator<Item = (&'static str, DetectorTable)> {
    DetectorTable::CATALOG
        .iter()
        .map(|(key, example)| (*key, toml::from_str(&format!("[{key}]\n{example}")).unwrap()))
}

#[test]
fn a_parameter_is_one_of_the_table() {
    for (key, table) in every() {
        let parameter = table.parameter();
        let written = toml::Table::try_from(&table).unwrap();
        let value = written[key].get(parameter.name).unwrap();
        assert_eq!(value.as_float(), Some(parameter.value), "{key}");
        for value in [parameter.lax, parameter.value, parameter.strict] {
            let other = table.with_parameter(value);
            assert_eq!(other.parameter().value, value, "{key}");
            assert_eq!(other.check(), Vec::<String>::new(), "{key} with {value}");
        }
    }
}

#[test]
fn a_tuned_detector_fires_as_often_as_wanted_on_other_streams() {
    let wanted = rate(0.002);
    let block = Some(1.try_into().unwrap());
    for (key, table) in every() {
        let values = stable(table.domain(), 1, 20_000);
        let tuned = Search { block, ..Search::new(wanted) }.tune(&*table, &values).unwrap();
        assert!(tuned.rate <= wanted.get() && tuned.covered, "{key}: {tuned:?}");
        let detector = table.with_parameter(tuned.value);
        let (streams, length) = (400, 500);
        let drifts: usize = (0..streams)
            .map(|seed| {
                let mut detector = detector.init();
                let drift = |value: &&f64| detector.observe(**value) == Signal::Drift;
                stable(table.domain(), 100 + seed, length).iter().filter(drift).count()
            })
            .sum();
        let found = drifts as f64 / (streams as usize * length) as f64;
        let low = tuned.rate_range.low.unwrap();
        let high = tuned.rate_range.high.unwrap();
        // the streams here are a sample, as are those of the search.
        assert!(found >= 0.6 * low && found <= 1.6 * high, "{key}: {found}, {tuned:?}");
    }
}

#[test]
fn a_smaller_rate_makes_a_detector_stricter() {
    for (key, table) in every().filter(|(key, _)| *key != "kswin") {
        let values = stable(table.domain(), 2, 5000);
        let [lax, strict] = [0.01, 0.001].map(|share| {
            let length = 500.try_into().unwrap();
            Search { length, ..Search::new(rate(share)) }.tune(&*table, &values).unwrap().value
        });
        let parameter = table.parameter();
        let beyond = (strict / lax).ln() / (parameter.strict / parameter.lax).ln();
        assert!(beyond >= 0.0, "{key}: {lax}, {strict}");
    }
}
