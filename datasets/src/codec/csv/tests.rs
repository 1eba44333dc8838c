//! Tests of the CSV codec.

use super::*;
use crate::codec::test_support::decode_one;

const TABLE: &str = "columns = [\"t\", \"x\", \"b\", \"c\", \"a\"]\nfeatures = [\"a\", \"b\"]\n\
                     label = \"c\"\nlabels = [\"no\", \"y,es\"]\ntime = \"t\"\ndelimiter = \",\"";

fn decode(table: &str, message: &str) -> Result<Columns, String> {
    decode_one::<Csv>(table, message.as_bytes())
}

#[test]
fn reads_quotes_and_line_breaks() {
    for end in ["", "\n", "\r\n"] {
        let row = format!("1970-01-02,\"any \"\"thing\"\"\",-2e-1,\"y,es\",true{end}");
        let columns = decode(TABLE, &row).unwrap();
        assert_eq!(columns.values, Values::F32(vec![1.0, -0.2]));
        assert_eq!((columns.labels[0], columns.times[0]), (Some(1), Some(86_400_000)));
    }
}

#[test]
fn empty_fields_mean_no_label_and_no_time() {
    let columns = decode(TABLE, ",,1,,2").unwrap();
    assert_eq!((columns.labels[0], columns.times[0]), (None, None));
}

#[test]
fn errors_name_the_problem() {
    let cases = [
        ("1,2,3,no", "not a CSV row: wanted 5 fields, found 4"),
        ("1,2,3,no,5,6,7", "not a CSV row: wanted 5 fields, found more"),
        ("1,2,3,no,5\n1,2,3,no,5", "not a CSV row: wanted one row, found more"),
        ("\n", "not a CSV row: wanted 5 fields, found none"),
        ("1,2,,no,5", "column `b`: wanted a number, true or false, found ``"),
        ("1,2, 3,no,5", "column `b`: wanted a number, true or false, found ` 3`"),
        ("1,2,NaN,no,5", "column `b`: wanted a finite 32-bit number, found `NaN`"),
        ("1,2,1e999,no,5", "column `b`: wanted a finite 32-bit number, found `1e999`"),
        ("1,2,3,0,5", "column `c`: wanted one of `no`, `y,es`, found `0`"),
        (
            "1.5,2,3,no,5",
            "column `t`: wanted milliseconds since 1970 or an RFC 3339 date, found `1.5`",
        ),
    ];
    for (message, error) in cases {
        assert_eq!(decode(TABLE, message).unwrap_err(), error, "{message}");
    }
}

#[test]
fn unnamed_classes_are_numbers() {
    let table = "columns = [\"a\", \"c\"]\nfeatures = [\"a\"]\nlabel = \"c\"\nclasses = 2";
    assert_eq!(decode(table, "0,1.0").unwrap().labels, [Some(1)]);
    for label in ["2", "-1", "0.5", "NaN", "one"] {
        let error = decode(table, &format!("0,{label}")).unwrap_err();
        assert!(error.starts_with("column `c`: wanted a class from 0 to 1, found "), "{error}");
    }
}

#[test]
fn reports_keys_that_name_missing_columns() {
    let table = "columns = [\"a\"]\nfeatures = [\"a\", \"b\"]\nlabel = \"c\"\ntime = \"t\"";
    let keys = toml::from_str::<Csv>(table).unwrap().check();
    assert_eq!(keys.iter().map(|(key, _)| *key).collect::<Vec<_>>(), ["features", "label", "time"]);
}

#[test]
fn refuses_delimiters_that_numbers_contain() {
    for delimiter in ["-", ".", "e", "1", "\\\"", "\\n", "é"] {
        let table = format!("columns = [\"a\"]\nfeatures = [\"a\"]\ndelimiter = \"{delimiter}\"");
        assert!(toml::from_str::<Csv>(&table).is_err(), "{delimiter}");
    }
}
