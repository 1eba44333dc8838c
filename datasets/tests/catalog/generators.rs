//! Conformance of generators: laws that hold for every generator.

use std::ops::Range;

use driftmill_datasets::Columns;
use driftmill_datasets::generate::GeneratorTable;

/// Digests of the first 100 samples of each example. A change here is a change of the stream.
const GOLDEN: &[(&str, u64)] = &[
    ("sea", 0x43b3_38d9_86b2_11b9),
    ("hyperplane", 0x9d23_101f_5209_2fc7),
    ("rbf", 0xca90_91df_d878_bb17),
    ("portraits", 0xb7c0_b759_361e_8bfe),
    ("rotating_digits", 0xcf2b_a6cf_8dda_1411),
];

/// Makes all generators of a test with a seed, with their keys.
pub(crate) type Tables = fn(u64) -> Vec<(&'static str, GeneratorTable)>;

/// The example of each generator, with `seed`; `prepare` adds settings to a table or rejects it.
pub(crate) fn examples(
    seed: u64,
    prepare: fn(&str, &mut toml::Table) -> bool,
) -> Vec<(&'static str, GeneratorTable)> {
    let mut found = Vec::new();
    for &(key, example) in GeneratorTable::CATALOG {
        let mut table: toml::Table = example.parse().unwrap();
        table.insert("seed".to_owned(), i64::try_from(seed).unwrap().into());
        if prepare(key, &mut table) {
            let table = toml::Table::from_iter([(key.to_owned(), table.into())]);
            found.push((key, table.try_into().unwrap()));
        }
    }
    found
}

/// The samples of `range`, from one call.
fn fill(config: &GeneratorTable, range: Range<u64>) -> Columns {
    fill_all(config, [range])
}

/// The samples of several ranges, from one call each.
fn fill_all(config: &GeneratorTable, ranges: impl IntoIterator<Item = Range<u64>>) -> Columns {
    let mut columns = Columns::new(config.schema());
    let mut generator = config.init().unwrap();
    ranges.into_iter().for_each(|range| generator.fill(range, &mut columns));
    columns
}

fn digest(mut columns: Columns) -> u64 {
    let mut bytes = Vec::new();
    for (time, label) in columns.times.iter().zip(&columns.labels) {
        bytes.extend(time.unwrap().to_le_bytes());
        bytes.extend(label.unwrap().to_le_bytes());
    }
    if columns.schema().value == driftmill_datasets::ValueType::U8 {
        bytes.extend(columns.values.bytes().iter());
    } else {
        bytes.extend(columns.values.floats().iter().flat_map(|value| value.to_le_bytes()));
    }
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

pub(crate) fn streams_are_functions_of_their_seed(all: Tables) {
    for ((key, one), (_, other)) in all(1).iter().zip(all(2)) {
        assert_eq!(fill(one, 0..200), fill(one, 0..200), "{key}");
        assert_ne!(fill(one, 0..200).values, fill(&other, 0..200).values, "{key}");
    }
}

pub(crate) fn samples_do_not_depend_on_the_ranges_of_the_calls(all: Tables) {
    for (key, config) in all(0) {
        let end = config.len();
        let start = end - 400;
        let whole = fill(&config, start..end);
        let split = [start..start, start..start + 1, start + 1..start + 170, start + 170..end];
        assert_eq!(fill_all(&config, split), whole, "{key}");
        // backwards, and after a distant part of the stream.
        let mut generator = config.init().unwrap();
        for index in [end - 1, 0, start] {
            let mut columns = Columns::new(config.schema());
            generator.fill(index..index + 1, &mut columns);
            assert_eq!(columns, fill(&config, index..index + 1), "{key}");
        }
    }
}

pub(crate) fn times_never_decrease_and_labels_are_classes(all: Tables) {
    for (key, config) in all(0) {
        let mut times = Vec::new();
        for start in (0..config.len()).step_by(1_009) {
            let columns = fill(&config, start..start + 3);
            assert!(columns.labels.iter().all(|label| label.unwrap() < config.classes()), "{key}");
            times.extend(columns.times.iter().map(|time| time.unwrap()));
        }
        assert!(times.is_sorted(), "{key}");
        assert!(times.first() < times.last(), "{key}");
    }
}

pub(crate) fn every_class_occurs(all: Tables) {
    for (key, config) in all(0) {
        let columns = fill(&config, 0..400);
        for class in 0..config.classes() {
            assert!(columns.labels.contains(&Some(class)), "{key}: {class}");
        }
    }
}

pub(crate) fn change_points_are_inside_the_stream_and_in_order(all: Tables) {
    for (key, config) in all(0) {
        let changes = config.change_points();
        assert!(changes.is_sorted_by(|a, b| a < b), "{key}: {changes:?}");
        assert!(changes.iter().all(|&change| 0 < change && change < config.len()), "{key}");
    }
}

pub(crate) fn streams_match_their_digests(all: Tables) {
    let digests =
        |(key, config): &(&'static str, GeneratorTable)| (*key, digest(fill(config, 0..100)));
    let found: Vec<(&str, u64)> = all(0).iter().map(digests).collect();
    let tested = |(key, _): &&(&str, u64)| found.iter().any(|(found, _)| found == key);
    let golden: Vec<(&str, u64)> = GOLDEN.iter().filter(tested).copied().collect();
    assert_eq!(found, golden, "found {found:#018x?}");
}

/// Defines one function for each law, which checks the generators of `$tables`.
macro_rules! laws {
    ($(#[$attribute:meta])? $tables:ident) => {
        $crate::generators::laws! { @each [$(#[$attribute])?] $tables:
            streams_are_functions_of_their_seed,
            samples_do_not_depend_on_the_ranges_of_the_calls,
            times_never_decrease_and_labels_are_classes,
            every_class_occurs,
            change_points_are_inside_the_stream_and_in_order,
            streams_match_their_digests,
        }
    };
    (@each $attributes:tt $tables:ident: $($law:ident,)+) => {
        $($crate::generators::laws! { @one $attributes $tables: $law })+
    };
    (@one [$(#[$attribute:meta])?] $tables:ident: $law:ident) => {
        $(#[$attribute])?
        fn $law() {
            $crate::generators::$law($tables);
        }
    };
}
pub(crate) use laws;
