//! Tests of the JSON codec.

use super::*;
use crate::codec::test_support::decode_one;

fn json(table: &str) -> Json {
    toml::from_str(table).unwrap()
}

fn decode(table: &str, message: &str) -> Result<Columns, String> {
    decode_one::<Json>(table, message.as_bytes())
}

const TABLE: &str = "features = [\"a\", \"b\"]\nlabel = \"c\"\nclasses = 3\ntime = \"t\"";

#[test]
fn reads_members_in_any_order() {
    let inner = r#"{"x": [1, {"a": 2}], "c": 2.0, "b": true, "t": -5, "y": "z", "a": -1.5e2}"#;
    let columns = decode(TABLE, inner).unwrap();
    assert_eq!(columns.values, Values::F32(vec![-150.0, 1.0]));
    assert_eq!((columns.labels[0], columns.times[0]), (Some(2), Some(-5)));
}

#[test]
fn reads_escaped_names() {
    let columns = decode(TABLE, r#"{"\u0061": 1, "b": 2}"#).unwrap();
    assert_eq!(columns.values, Values::F32(vec![1.0, 2.0]));
}

#[test]
fn null_and_missing_members_mean_no_label() {
    for message in [r#"{"a": 1, "b": 2, "c": null, "t": null}"#, r#"{"a": 1, "b": 2}"#] {
        let columns = decode(TABLE, message).unwrap();
        assert_eq!((columns.labels[0], columns.times[0]), (None, None));
    }
}

#[test]
fn errors_name_the_problem() {
    let cases = [
        (r#"{"a": 1}"#, "no column `b`"),
        (
            r#"{"a": 1, "b": "2"}"#,
            "column `b`: wanted a number, true or false, found the string `2`",
        ),
        (r#"{"a": 1, "b": null}"#, "column `b`: wanted a number, true or false, found null"),
        (r#"{"a": [1], "b": 1}"#, "column `a`: wanted a number, true or false, found an array"),
        (r#"{"a": 1e39, "b": 1}"#, "column `a`: wanted a finite 32-bit number, found 1e39"),
        (r#"{"a": 1, "b": 1, "a": 1}"#, "not a JSON object: column `a` occurs twice"),
        (r#"{"a": 1, "b": 1, "c": 3}"#, "column `c`: wanted a class from 0 to 2, found 3"),
        (r#"{"a": 1, "b": 1, "c": 0.5}"#, "column `c`: wanted a class from 0 to 2, found 0.5"),
        (r#"{"a": 1, "b": 1, "c": -1}"#, "column `c`: wanted a class from 0 to 2, found -1"),
        (r#"{"a": 1, "b": 1, "c": true}"#, "column `c`: wanted a class from 0 to 2, found true"),
        (
            r#"{"a": 1, "b": 1, "t": 1.5}"#,
            "column `t`: wanted milliseconds since 1970 or an RFC 3339 date, found 1.5",
        ),
        (r#"{"a": 1e999, "b": 1}"#, "not a JSON object: number out of range at line 1 column 11"),
        (
            "[1, 2]",
            "not a JSON object: invalid type: sequence, expected an object at line 1 column 0",
        ),
        (r#"{"a": 1, "b": 1} {}"#, "not a JSON object: trailing characters at line 1 column 18"),
    ];
    for (message, error) in cases {
        assert_eq!(decode(TABLE, message).unwrap_err(), error, "{message}");
    }
}

#[test]
fn follows_a_changing_order_of_members() {
    let config = json("features = [\"a\", \"b\", \"c\"]");
    let mut columns = Columns::new(config.schema());
    let mut codec = config.init();
    for message in [
        r#"{"c": 3, "a": 1, "b": 2}"#,
        r#"{"a": 1, "b": 2, "c": 3}"#,
        r#"{"b": 2, "c": 3, "a": 1}"#,
        r#"{"x": 0, "b": 2, "a": 1, "c": 3}"#,
    ] {
        codec.decode(message.as_bytes(), &mut columns).unwrap();
    }
    assert_eq!(columns.values, Values::F32([1.0, 2.0, 3.0].repeat(4)));
}

#[test]
fn reports_keys_that_contradict_each_other() {
    let keys = |table: &str| json(table).check().iter().map(|(key, _)| *key).collect::<Vec<_>>();
    assert_eq!(keys(TABLE), [""; 0]);
    assert_eq!(keys("features = [\"a\"]\nlabel = \"a\"\ntime = \"a\""), ["label", "time", "time"]);
    assert_eq!(
        keys("features = [\"a\"]\nlabels = [\"x\"]\nclasses = 2"),
        ["classes", "labels", "classes"]
    );
}

#[test]
fn writes_numbers_that_read_as_themselves() {
    for value in [0.0, -0.0, 0.1, 1e-45, f32::MIN_POSITIVE, f32::MAX, 16_777_217.0, 1.0 / 3.0] {
        let read: f64 = serde_json::from_str(&number(value)).unwrap();
        assert_eq!((read as f32).to_bits(), value.to_bits());
    }
    assert_eq!(number(0.1), "0.1");
}
