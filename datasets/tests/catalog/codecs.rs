//! Conformance of codecs.

use driftmill_datasets::codec::CodecTable;
use driftmill_datasets::{Columns, DecodeError, ValueType};
use proptest::prelude::*;

/// Tables that use every key of a codec; the examples use as few keys as possible.
const FULL: &[(&str, &str)] = &[
    ("json", "features = [\"a\"]\nlabel = \"c\"\nclasses = 5\ntime = \"t\""),
    ("json", "features = [\"a\", \"b \\\"ß\"]\nlabel = \"c\"\nlabels = [\"\\\"\", \"ja\", \"n\"]"),
    (
        "csv",
        "columns = [\"x\", \"a\", \"c\", \"t\"]\nfeatures = [\"a\"]\nlabel = \"c\"\nclasses = 5\n\
         time = \"t\"\ndelimiter = \";\"",
    ),
    (
        "csv",
        "columns = [\"c\", \"b\", \"a\"]\nfeatures = [\"a\", \"b\"]\nlabel = \"c\"\n\
         labels = [\"d\\\"own\", \"u,p\", \"1\"]",
    ),
    ("image", "shape = [2, 3, 4]\nlabel = \"first_byte\"\nclasses = 10"),
    ("image", "shape = [3, 4, 2]\nlabel = \"none\""),
    ("png", "shape = [1, 5, 3]\nlabel = \"class\"\nclasses = 4"),
    ("png", "shape = [3, 2, 7]\nlabel = \"class\""),
];

fn parse(key: &str, table: &str) -> Result<CodecTable, toml::de::Error> {
    toml::from_str(&format!("[{key}]\n{table}\n"))
}

fn all() -> impl Iterator<Item = (&'static str, &'static str, CodecTable)> {
    let tables = CodecTable::CATALOG.iter().chain(FULL);
    tables.map(|&(key, table)| (key, table, parse(key, table).unwrap()))
}

/// A sample for any codec.
#[derive(Clone, Debug)]
struct Sample {
    /// Bits of the values, enough for every table above.
    bits: Vec<u32>,
    /// A class that every table above allows.
    label: Option<u32>,
    time: Option<i64>,
}

fn sample() -> impl Strategy<Value = Sample> {
    let bits = proptest::collection::vec(any::<u32>(), 42);
    let label = proptest::option::of(0..3_u32);
    let time = proptest::option::of(any::<i64>());
    (bits, label, time).prop_map(|(bits, label, time)| Sample { bits, label, time })
}

fn push(columns: &mut Columns, sample: &Sample) {
    let (bits, width) = (&sample.bits, columns.schema().width());
    match columns.schema().value {
        ValueType::U8 => columns.values.bytes().extend(bits[..width].iter().map(|b| *b as u8)),
        ValueType::F32 => columns.values.floats().extend(bits[..width].iter().map(|&bits| {
            let value = f32::from_bits(bits);
            if value.is_finite() { value } else { bits as f32 }
        })),
    }
    columns.finish_row(sample.time, sample.label);
}

proptest! {
    #[test]
    fn encoded_samples_decode_to_equal_samples(samples in proptest::collection::vec(sample(), 1..4)) {
        for (key, table, config) in all() {
            let mut columns = Columns::new(config.schema());
            samples.iter().for_each(|sample| push(&mut columns, sample));
            if !table.contains("label =") && key != "image" || table.contains("\"none\"") {
                columns.labels.fill(None);
            }
            if !table.contains("time =") {
                columns.times.fill(None);
            }
            let mut codec = config.init();
            let mut decoded = Columns::new(config.schema());
            for row in 0..columns.len() {
                let message = codec.encode(&columns, row);
                prop_assert_eq!(codec.decode(&message, &mut decoded), Ok(()), "{}\n{}", key, table);
            }
            prop_assert_eq!(&decoded, &columns, "{}\n{}", key, table);
        }
    }

    #[test]
    fn survives_any_bytes(payload in proptest::collection::vec(any::<u8>(), 0..200)) {
        for (key, _, config) in all() {
            refused_or_complete(key, &config, &payload);
        }
    }

    #[test]
    fn survives_a_damaged_message(
        sample in sample(),
        position in any::<proptest::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<bool>(),
    ) {
        for (key, _, config) in all() {
            let mut columns = Columns::new(config.schema());
            push(&mut columns, &sample);
            let mut message = config.init().encode(&columns, 0);
            let position = position.index(message.len());
            if cut { message.truncate(position) } else { message[position] = byte }
            refused_or_complete(key, &config, &message);
        }
    }
}

/// Decodes after a complete sample. An error must leave that sample unchanged.
fn refused_or_complete(key: &str, config: &CodecTable, payload: &[u8]) {
    let mut columns = Columns::new(config.schema());
    push(&mut columns, &Sample { bits: vec![1; 42], label: Some(1), time: None });
    let before = columns.clone();
    match config.init().decode(payload, &mut columns) {
        Ok(()) => {
            assert_eq!((columns.len(), columns.times.len()), (2, 2), "{key}");
            assert_eq!(columns.values.len(), 2 * columns.schema().width(), "{key}");
            columns.truncate(1);
            assert_eq!(columns, before, "{key}");
        }
        Err(_) => assert_eq!(columns, before, "{key}"),
    }
}

#[test]
fn examples_parse_and_check() {
    for (key, _, config) in all() {
        assert_eq!(config.key(), key);
        assert_eq!(config.check(), [], "{key}");
        let written = toml::to_string(&config).unwrap();
        assert_eq!(toml::from_str::<CodecTable>(&written).unwrap(), config, "{key}");
    }
}

#[test]
fn keys_that_do_not_exist_are_refused() {
    for (key, table, _) in all() {
        let error = parse(key, &format!("{table}\nfeatuers = 1")).unwrap_err().to_string();
        assert!(error.contains("unknown field `featuers`"), "{key}: {error}");
    }
}

#[test]
fn empty_messages_are_refused() {
    for (key, _, config) in all() {
        let mut columns = Columns::new(config.schema());
        assert_eq!(config.init().decode(b"", &mut columns), Err(DecodeError::Empty), "{key}");
    }
}

#[test]
fn errors_point_to_the_value() {
    let cases = [
        ("json", "features = []", 12),
        ("json", "features = [\"a\", \"a\"]", 12),
        ("json", "features = [\"a\"]\nclasses = 0", 11),
        ("csv", "columns = [\"a\"]\nfeatures = [\"a\"]\ndelimiter = \"1\"", 13),
        ("image", "shape = [1, 0, 2]", 9),
        ("png", "shape = [2, 2, 2]", 9),
    ];
    for (key, table, column) in cases {
        let error = parse(key, table).unwrap_err().to_string();
        let position = format!("line {}, column {column}", 1 + table.lines().count());
        assert!(error.contains(&position), "{key}: {error}");
    }
}
