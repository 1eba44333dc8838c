//! Files as they must not be.

use crate::program::{Ran, run_program};

crate::suite::tests! {
    bad_rows_are_dead_letters,
    a_file_without_rows_is_a_stream_without_samples,
    lines_that_end_with_a_carriage_return_alone_are_refused,
    columns_that_are_not_there_are_told_with_those_that_are,
}

/// Runs a pipeline over a CSV file with these lines.
fn run(lines: &str, features: &str) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("samples.csv");
    std::fs::write(&path, lines).unwrap();
    run_program(&format!(
        "name = \"files\"
        source.file = {{ path = {path:?}, features = [{features}], label = \"c\", time = \"t\" }}
        trigger.amount.every = 2
        selection.new_data = {{}}
        model.mlp.hidden = [2]
        training = {{}}"
    ))
}

fn bad_rows_are_dead_letters() {
    let ran = run("t,a,c\n1,0.5,0\n2,NaN,0\n3,inf,1\n\n5,1,2\n6,x,1\n,1,1\n8,1e9,1", "\"a\"");
    ran.assert_done();
    assert_eq!(ran.summary["samples"], 2, "{}", ran.summary);
    assert_eq!(ran.trained_on(1), [(0, 8, 2)]);
    let dead_letters = ran.dead_letters();
    let classes: Vec<_> =
        dead_letters.iter().map(|dead_letter| dead_letter["error"].as_str().unwrap()).collect();
    assert_eq!(classes, ["value", "value", "malformed", "label", "value", "no_time"]);
    let reason = dead_letters[0]["reason"].as_str().unwrap();
    assert_eq!(reason, "column `a`: wanted a finite 32-bit number, found `NaN`");
}

fn a_file_without_rows_is_a_stream_without_samples() {
    for lines in ["t,a,c\n", "t,a,c"] {
        let ran = run(lines, "\"a\"");
        ran.assert_done();
        assert_eq!(ran.summary["samples"], 0);
        assert_eq!(ran.summary["evaluation"]["prequential"]["accuracy"], serde_json::Value::Null);
    }
    let ran = run("", "\"a\"");
    assert_eq!(ran.code, Some(78), "{}", ran.said);
    assert!(ran.said.contains("is empty: wanted a header line"), "{}", ran.said);
}

/// A header that is the whole file would be a stream without samples, and lose all.
fn lines_that_end_with_a_carriage_return_alone_are_refused() {
    let ran = run("t,a,c\r1,2,0\r2,3,1\r", "\"a\"");
    assert_eq!(ran.code, Some(78), "{}", ran.said);
    assert!(ran.said.contains("end with CR alone"), "{}", ran.said);
    let ran = run("t,a,c\r\n1,2,0\r\n2,3,1\r\n", "\"a\"");
    ran.assert_done();
    assert_eq!(ran.summary["samples"], 2);
}

fn columns_that_are_not_there_are_told_with_those_that_are() {
    let ran = run("t,price,c\n1,2,0\n", "\"prize\"");
    assert_eq!(ran.code, Some(78), "{}", ran.said);
    for part in ["no column `prize`, but t, price, c", "hint: did you mean `price`?"] {
        assert!(ran.said.contains(part), "{}", ran.said);
    }
}
