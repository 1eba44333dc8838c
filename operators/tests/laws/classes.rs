//! Counts of classes are those of the current samples, for all batches and numbers of workers.

use std::collections::BTreeMap;

use driftmill_operators::Kind;
use driftmill_operators::flow::{Class, CountClasses};
use proptest::prelude::*;
use timely::dataflow::operators::Inspect;

use crate::keyed::follows;
use crate::upsert::{Partition, Setting, channel, feed, streams};

fn counted(
    partitions: &[Partition],
    setting: &Setting,
    interval: Option<i64>,
) -> BTreeMap<Class, i64> {
    let (send, changes) = channel::<(Class, i64)>();
    feed(partitions, setting, move |changes, _unmatched| {
        let send = send.lock().clone();
        changes.count_classes(interval).inspect(move |change| send.send(*change).unwrap());
    });
    let mut counts = BTreeMap::new();
    changes.iter().for_each(|(class, by)| *counts.entry(class).or_default() += by);
    counts.retain(|_, count| *count != 0);
    counts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn class_counts_match_the_existing_samples(
        partitions in streams(),
        wait in prop_oneof![Just(0i64), 1i64..60],
        interval in prop::option::of(1i64..50),
        workers in 1usize..4,
        batch in 1usize..20,
    ) {
        let mut there = BTreeMap::new();
        for change in follows(&partitions.concat(), wait).changes {
            there.remove(&change.record.position);
            if !matches!(change.kind, Kind::Retract | Kind::Delete) {
                there.insert(change.record.position, change.record);
            }
        }
        let mut expected: BTreeMap<Class, i64> = BTreeMap::new();
        for record in there.into_values() {
            let number = interval.map_or(0, |length| record.time.div_euclid(length));
            *expected.entry((number, record.label)).or_default() += 1;
        }
        let found = counted(&partitions, &Setting { wait, workers, batch }, interval);
        prop_assert_eq!(found, expected);
    }
}
