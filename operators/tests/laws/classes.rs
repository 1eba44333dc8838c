//! Counts of classes are those of the current samples, for all batches and numbers of workers.

use std::collections::BTreeMap;

use driftmill_operators::flow::{Class, CountClasses, Order, Upsert};
use driftmill_operators::{Change, Kind, Position, Span};
use proptest::prelude::*;
use timely::dataflow::operators::{Input, Inspect};

use crate::keyed::follows;
use crate::upsert::{Partition, Setting, channel, feed, streams};

fn counted(
    partitions: &[Partition],
    setting: &Setting,
    interval: Option<i64>,
) -> BTreeMap<Class, i64> {
    let (send, changes) = channel::<(Class, i64)>();
    let wait = Span::from_millis(setting.wait);
    feed(partitions, setting, move |worker| {
        let send = send.lock().unwrap().clone();
        worker.dataflow::<Position, _, _>(|scope| {
            let (input, changes) = scope.new_input::<Vec<Change>>();
            let (changes, _orphans) = changes.order().upsert(wait);
            changes.count_classes(interval).inspect(move |change| send.send(*change).unwrap());
            input
        })
    });
    let mut counts = BTreeMap::new();
    changes.iter().for_each(|(class, by)| *counts.entry(class).or_default() += by);
    counts.retain(|_, count| *count != 0);
    counts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn classes_are_those_of_the_samples_that_are_there(
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
