//! Held-out samples are never chosen.

use std::collections::BTreeMap;
use std::sync::Arc;

use driftmill_operators::selection::{Holdout, SelectionTable};
use driftmill_operators::{Id, Position, Record};
use proptest::prelude::*;

use crate::host::selections;
use crate::selections::{Event, Host, World, events};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn held_out_samples_are_never_chosen(events in events(), seed in 0u64..20) {
        let holdout = Holdout::new(0.3, seed).unwrap();
        for text in selections() {
            let table: SelectionTable = toml::from_str(&text).unwrap();
            let around = holdout.around(Arc::new(table.clone()));
            let (mut world, mut host) = (World::default(), Host::new(&*around, 3));
            // the policy itself, on a stream without the held-out samples.
            let mut without = Host::new(&table, 3);
            for event in &events {
                let Event::Change(what, which, label) = *event else {
                    let choice = host.trigger();
                    let records: BTreeMap<Id, &Record> =
                        world.records.iter().map(|record| (record.id(), record)).collect();
                    for row in &choice.0.rows {
                        prop_assert!(!holdout.holds_out(records[&row.id()]), "{}", text);
                    }
                    prop_assert_eq!(choice, without.trigger(), "{}", text);
                    continue;
                };
                if let Some(change) = world.change(what, which, label) {
                    host.observe(&change);
                    if !holdout.holds_out(&change.record) {
                        without.observe(&change);
                    }
                }
            }
        }
    }
}

#[test]
fn a_holdout_depends_on_keys_and_grows_with_its_fraction() {
    let record = |key, offset| Record::new(Position::new(0, Id(offset)), key, 0, None);
    for seed in 0..5 {
        let shares = [0.0, 0.05, 0.1, 0.5, 0.999].map(|share| Holdout::new(share, seed).unwrap());
        let mut counts = [0; 5];
        for number in 0..20_000u64 {
            let held = shares.map(|holdout| holdout.holds_out(&record(u128::from(number), 1)));
            assert_eq!(
                held,
                shares.map(|holdout| {
                    holdout.holds_out(&record(u128::from(number), if number == 0 { 1 } else { 7 }))
                })
            );
            assert!(
                held.windows(2).all(|pair| pair[0] <= pair[1]),
                "a larger share holds out more"
            );
            held.iter().zip(&mut counts).for_each(|(held, count)| *count += usize::from(*held));
            let unkeyed = shares.map(|holdout| holdout.holds_out(&record(0, number)));
            assert!(!unkeyed[0]);
        }
        assert_eq!(counts[0], 0);
        for (count, share) in counts.iter().zip([0.0, 0.05, 0.1, 0.5, 0.999]) {
            let deviation = (20_000.0f64 * share * (1.0 - share)).sqrt();
            assert!(
                (*count as f64 - 20_000.0 * share).abs() <= 4.0 * deviation + 1.0,
                "{counts:?}"
            );
        }
    }
    for wrong in [-0.1, 1.0, f64::NAN] {
        assert!(Holdout::new(wrong, 0).is_err());
    }
    assert!(toml::from_str::<Holdout>("fraction = 0.1\nsed = 1").is_err());
}
