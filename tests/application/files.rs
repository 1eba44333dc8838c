//! Invalid files.

use std::path::Path;
use std::process::Command;

use crate::program::{Ran, run_program};
use crate::small_job::small_job;
use crate::wait::OutputInTime;

crate::suite::tests! {
    invalid_rows_become_dead_letters,
    a_file_without_rows_is_a_stream_without_samples,
    records_do_not_depend_on_line_endings,
    line_breaks_in_quotes_are_part_of_a_field,
    generate_reports_the_row_that_is_not_a_sample,
    missing_columns_are_reported_with_the_existing_ones,
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

fn invalid_rows_become_dead_letters() {
    let ran = run("t,a,c\n1,0.5,0\n2,NaN,0\n3,inf,1\n\n5,1,2\n6,x,1\n,1,1\n8,1e9,1", "\"a\"");
    ran.assert_done();
    assert_eq!(ran.summary["samples"], 2, "{}", ran.summary);
    assert_eq!(ran.trained_on(1), [(0, 7, 2)]);
    let dead_letters = ran.dead_letters();
    let classes: Vec<_> =
        dead_letters.iter().map(|dead_letter| dead_letter["error"].as_str().unwrap()).collect();
    assert_eq!(classes, ["value", "value", "label", "value", "no_time"]);
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

/// Forty rows with computed times.
fn forty(name: &str, text: &str, more: &str) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    let ran = run_program(&format!(
        "name = \"files\"
        trigger.amount.every = 40
        selection.new_data = {{}}
        model.mlp.hidden = [2]
        training = {{}}
        [source.file]
        path = {path:?}
        features = [\"a\"]
        label = \"c\"
        start = \"2026-01-01\"
        step = \"1s\"
        {more}"
    ));
    assert_eq!(ran.code, Some(0), "{name}: {}", ran.said);
    assert_eq!(ran.summary["samples"], 40, "{name}: {}", ran.summary);
    assert_eq!(ran.summary["dead_letters"], 0, "{name}");
    // the time of a row follows from its number; invalid rows have none.
    let trigger = &ran.summary["triggers"][0];
    assert_eq!(trigger["position"]["time"], 1_767_225_600_000_i64 + 39_000, "{name}: {trigger}");
    ran
}

fn records_do_not_depend_on_line_endings() {
    let rows = |end: &str| (0..40).map(|i| format!("{i},{}{end}", i % 2)).collect::<Vec<_>>();
    let text = |header: &str, end: &str| format!("{header}{end}{}", rows(end).concat());
    forty("lf.csv", &text("a,c", "\n"), "");
    forty("crlf.csv", &text("a,c", "\r\n"), "");
    forty("cr.csv", &text("a,c", "\r"), "");
    forty("no end.csv", text("a,c", "\n").trim_end(), "");
    forty("blank.csv", &format!("\n\n{}\n \n", text("a,c", "\n\n")), "");
    forty("dos.csv", &format!("{}\u{1a}", text("a,c", "\r\n")), "");
    forty("nameless.csv", &text("a,c", ",,\n"), "");
    forty("one more.csv", &format!("a,c\n{}", rows(",\n").concat()), "");
    let comments = format!("# \"new\n{}# end", text("a,c", "\n#\n"));
    forty("comments.csv", &comments, "comment = \"#\"");
}

fn generate_reports_the_row_that_is_not_a_sample() {
    let folder = tempfile::tempdir().unwrap();
    let (rows, file) = (folder.path().join("rows.csv"), folder.path().join("p.toml"));
    std::fs::write(&rows, "t,a,c\n1,1,0\n2,,1\n3,1,0\n").unwrap();
    let source = small_job(&format!(
        "name = \"gap\"
        source.file = {{ path = {rows:?}, features = [\"a\"], label = \"c\", time = \"t\" }}
        trigger.amount.every = 2"
    ));
    std::fs::write(&file, source).unwrap();
    let written = folder.path().join("rows.parquet");
    let output = Command::new(env!("CARGO_BIN_EXE_driftmill"))
        .args([Path::new("generate"), &file, Path::new("--parquet"), &written])
        .output_in_time();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(65), "{said}");
    assert!(said.contains("row 1 is not a sample") && said.contains("column `a`"), "{said}");
}

fn line_breaks_in_quotes_are_part_of_a_field() {
    let row = |i: u32| format!("{i},\"one\n7,7,7\r\n\"\"two\"\"\",{}\n", i % 2);
    let rows: String = (0..40).map(row).collect();
    forty("quoted.csv", &format!("a,note,c\n{rows}"), "");
    forty("header.csv", &format!("a,\"note\n(any)\",c\n{rows}"), "");
    let ran = run("t,a,c\n1,1,0\n2,\"1,0\n3,1,0\n", "\"a\"");
    ran.assert_done();
    let [dead_letter] = &ran.dead_letters()[..] else { panic!("{:?}", ran.dead_letters()) };
    let reason = dead_letter["reason"].as_str().unwrap();
    assert!(reason.contains("does not end before the end of the file"), "{reason}");
}

fn missing_columns_are_reported_with_the_existing_ones() {
    let ran = run("t,price,c\n1,2,0\n", "\"prize\"");
    assert_eq!(ran.code, Some(78), "{}", ran.said);
    for part in ["no column `prize`, but t, price, c", "hint: did you mean `price`?"] {
        assert!(ran.said.contains(part), "{}", ran.said);
    }
}
