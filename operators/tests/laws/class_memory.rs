//! Memories of classes: the pools from which a model chooses exemplars.

use std::collections::{BTreeMap, BTreeSet};

use driftmill_operators::downsampling::exemplars;
use driftmill_operators::selection::{Choice, SelectionTable};
use driftmill_operators::{Change, Id, Kind, Matrix, Position, Record};
use proptest::prelude::*;

use crate::host::select;
use crate::selections::{Event, Host, World, events};

fn table(text: &str) -> SelectionTable {
    toml::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn record(offset: u64, label: u32) -> Record {
    let at = Position::new(offset as i64, Id(offset));
    Record::new(at, 1 + u128::from(offset), offset as i64, Some(label))
}

fn ids(choice: &Choice) -> Vec<u64> {
    choice.rows.iter().map(|row| row.id().0).collect()
}

fn pool(choice: &Choice) -> Vec<u64> {
    choice.memory.iter().flat_map(|memory| &memory.ids).map(|id| id.0).collect()
}

#[test]
fn a_pool_requires_herding_and_a_minimum_size() {
    let refused = |text: &str| {
        let error = toml::from_str::<SelectionTable>(&format!("[class_memory]\n{text}"));
        error.unwrap_err().to_string()
    };
    let only = "only keep = \"herding\" chooses from a pool";
    for (text, wanted) in [
        ("per_class = 5\npool = 50", only),
        ("per_class = 5\nkeep = \"reservoir\"\npool = 50", only),
        (
            "per_class = 5\nkeep = \"herding\"\npool = 4",
            "wanted a pool of at least per_class = 5 samples of each class, not 4",
        ),
        ("per_class = 5\nkeep = \"herding\"\npool = 0", "expected a nonzero usize"),
        ("per_class = 5\nkeep = \"newest\"", "unknown variant `newest`"),
        ("keep = \"herding\"", "missing field `per_class`"),
    ] {
        let found = refused(text);
        assert!(found.contains(wanted), "{text}: {found}");
    }
    for text in [
        "class_memory = { per_class = 5, keep = \"herding\" }",
        "class_memory = { per_class = 5, keep = \"herding\", pool = 5 }",
    ] {
        let written = toml::to_string(&table(text)).unwrap();
        assert_eq!(table(&written), table(text));
    }
}

#[test]
fn the_schema_lists_every_key() {
    let schema = schemars::schema_for!(SelectionTable).to_value();
    let memory = &schema["$defs"]["ClassMemory"];
    assert!(memory["description"].as_str().unwrap().starts_with("The samples since"));
    assert_eq!(memory["additionalProperties"], false);
    assert_eq!(memory["required"], serde_json::json!(["per_class"]));
    let keys: Vec<&String> = memory["properties"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["keep", "per_class", "pool", "seed"]);
}

#[test]
fn a_pool_holds_ten_times_as_many_by_default() {
    let config = table("class_memory = { per_class = 3, keep = \"herding\" }");
    let mut partition = config.init();
    (0..200)
        .for_each(|offset| partition.observe(&Change::insert(record(offset, offset as u32 % 2))));
    let first = select(&config, &mut *partition, 0);
    assert_eq!((first.rows.len(), &first.memory), (200, &None));
    (200..204).for_each(|offset| partition.observe(&Change::insert(record(offset, 7))));
    let second = select(&config, &mut *partition, 1);
    assert_eq!((second.rows.len(), pool(&second).len()), (64, 60));
    assert_eq!(second.memory.as_ref().unwrap().per_class.get(), 3);
    // all samples of a class with few samples are chosen.
    let third = select(&config, &mut *partition, 2);
    assert_eq!((ids(&third), pool(&third).len()), (pool(&third), 64));
}

#[test]
fn retracted_samples_leave_the_pool_and_others_replace_them() {
    let config = table("class_memory = { per_class = 2, keep = \"herding\", pool = 6 }");
    let mut partition = config.init();
    (0..12).for_each(|offset| partition.observe(&Change::insert(record(offset, 0))));
    assert_eq!(select(&config, &mut *partition, 0).memory, None);
    let before = pool(&select(&config, &mut *partition, 1));
    assert_eq!(before.len(), 6);
    let at = Position::new(50, Id(50));
    let retracted = record(before[0], 0);
    partition.observe(&Change { kind: Kind::Retract, at, record: retracted, before: None });
    let other = Change { kind: Kind::Label, at, record: record(before[3], 1), before: Some(0) };
    partition.observe(&other);
    let choice = select(&config, &mut *partition, 2);
    let after: BTreeSet<u64> = pool(&choice).into_iter().collect();
    assert_eq!(after.len(), 6);
    assert!(!after.contains(&before[0]) && !after.contains(&before[3]));
    assert!([1, 2, 4, 5].iter().all(|place| after.contains(&before[*place])));
    // a sample with another label is new; later it is in the pool of its class.
    assert!(ids(&choice).contains(&before[3]));
    assert!(pool(&select(&config, &mut *partition, 3)).contains(&before[3]));
}

/// Classes that appear one after another, each a cloud around a centre, as in the host.
#[test]
fn exemplars_of_a_pool_represent_their_class() {
    let noise = |offset: u64, col: u64| {
        let hash = (offset * 7 + col + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (hash >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    };
    let embedding = |offset: u64| -> Vec<f32> {
        let class = offset / 100;
        (0..4).map(|col| if col == class { 1.0 } else { 0.0 } + noise(offset, col)).collect()
    };
    let config = table("class_memory = { per_class = 5, keep = \"herding\", pool = 40 }");
    let mut partition = config.init();
    for class in 0..4 {
        for offset in 100 * class..100 * (class + 1) {
            partition.observe(&Change::insert(record(offset, class as u32)));
        }
        let choice = select(&config, &mut *partition, class);
        let pool = pool(&choice);
        assert_eq!(pool.len() as u64, 40 * class);
        let of_pool: BTreeMap<u64, u32> =
            choice.rows.iter().map(|row| (row.id().0, row.label)).collect();
        let labels: Vec<u32> = pool.iter().map(|id| of_pool[id]).collect();
        let rows = Matrix::new(4, pool.iter().flat_map(|id| embedding(*id)).collect());
        let kept = exemplars(&rows, &labels, choice.memory.map_or(0, |m| m.per_class.get()));
        for old in 0..class {
            let own = kept.iter().filter(|row| labels[**row] == old as u32);
            assert_eq!(own.count(), 5, "{old} at {class}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_pool_is_a_larger_reservoir(
        events in events(), partitions in 1usize..4, (per_class, more) in (1usize..5, 0usize..8),
    ) {
        let pool = per_class + more;
        let herding = format!("per_class = {per_class}, keep = \"herding\", pool = {pool}");
        let tables = [
            table(&format!("class_memory = {{ {herding}, seed = 4 }}")),
            table(&format!("class_memory = {{ per_class = {pool}, seed = 4 }}")),
            table("new_data = {}"),
        ];
        let mut hosts = tables.each_ref().map(|table| Host::new(table, partitions));
        let mut world = World::default();
        for event in events {
            let Event::Change(what, which, label) = event else {
                let [herding, larger, new] = hosts.each_mut().map(|host| host.trigger().0);
                prop_assert_eq!(&herding.rows, &larger.rows);
                prop_assert_eq!(larger.memory, None);
                // all samples that are not new, in order.
                let new: BTreeSet<Id> = new.rows.iter().map(|row| row.id()).collect();
                let rows = herding.rows.iter().map(|row| row.id());
                let old: Vec<Id> = rows.filter(|id| !new.contains(id)).collect();
                prop_assert_eq!(old.is_empty(), herding.memory.is_none());
                if let Some(memory) = herding.memory {
                    prop_assert_eq!((memory.ids, memory.per_class.get()), (old, per_class));
                }
                continue;
            };
            if let Some(change) = world.change(what, which, label) {
                hosts.iter_mut().for_each(|host| host.observe(&change));
            }
        }
    }
}
