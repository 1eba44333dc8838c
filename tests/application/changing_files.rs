//! Files that change between two runs, and impossible event times.

use std::path::{Path, PathBuf};

use crate::program::{Program, Ran};

crate::suite::tests! {
    new_rows_of_a_grown_file_are_read,
    an_incomplete_last_line_is_read_once_it_is_complete,
    a_replaced_file_is_rejected,
    an_event_time_far_ahead_of_the_rows_around_it_is_a_dead_letter,
    a_pause_gives_one_decision_and_rejects_no_row,
}

const HEADER: &str = "y,a,b\n";

fn rows(numbers: std::ops::Range<u32>) -> String {
    numbers.map(|i| format!("{},{i}.25,{i}.1234\n", i % 2)).collect()
}

/// Runs over a file of the folder with this text, in a state directory that may hold a run.
fn run(folder: tempfile::TempDir, text: &str) -> Ran {
    let path: PathBuf = folder.path().join("rows.csv");
    std::fs::write(&path, text).unwrap();
    let pipeline = format!(
        "name = \"changing\"
        trigger.amount.every = 10
        selection.new_data = {{}}
        model.mlp.hidden = [2]
        training = {{}}
        source.file = {{ path = {path:?}, features = [\"a\", \"b\"], label = \"y\", start = \"2026-01-01\", step = \"1s\" }}"
    );
    Program::start_at(folder, &pipeline, &[], &[]).end()
}

fn done(folder: tempfile::TempDir, text: &str, samples: u32) -> tempfile::TempDir {
    let ran = run(folder, text);
    ran.assert_done();
    assert_eq!(ran.summary["samples"], samples, "{}", ran.said);
    assert_eq!(ran.summary["dead_letters"], 0, "{}", ran.said);
    ran.folder
}

fn refused(folder: tempfile::TempDir, text: &str, reason: &str) -> tempfile::TempDir {
    let ran = run(folder, text);
    assert_eq!(ran.code, Some(69), "{}", ran.said);
    assert!(ran.said.contains("is not the file that the run has read"), "{}", ran.said);
    assert!(ran.said.contains(reason) && ran.said.contains("--fresh"), "{}", ran.said);
    ran.folder
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn new_rows_of_a_grown_file_are_read() {
    let begun = done(folder(), &(HEADER.to_owned() + &rows(0..15)), 15);
    let grown = done(begun, &(HEADER.to_owned() + &rows(0..35)), 35);
    // no new rows, then only the missing line end.
    let same = done(grown, &(HEADER.to_owned() + &rows(0..35)), 35);
    let open = done(same, (HEADER.to_owned() + &rows(0..40)).trim_end(), 40);
    done(open, &(HEADER.to_owned() + &rows(0..41)), 41);
}

fn an_incomplete_last_line_is_read_once_it_is_complete() {
    let whole = HEADER.to_owned() + &rows(0..22);
    for cut in [whole.len() - 1 - "21.1234".len(), whole.len() - "25,21.1234\n".len()] {
        let ran = run(folder(), &whole[..cut]);
        ran.assert_done();
        assert_eq!(ran.summary["samples"], 21, "{}", ran.said);
        assert!(ran.said.contains("it is read when the file has grown"), "{}", ran.said);
        done(ran.folder, &whole, 22);
    }
    // half a number is a valid number: the row that was read differs from the complete one.
    let taken = done(folder(), &whole[..whole.len() - 3], 22);
    refused(taken, &whole, "its last line was incomplete when it was read");
}

fn a_replaced_file_is_rejected() {
    let begun = done(folder(), &(HEADER.to_owned() + &rows(0..40)), 40);
    let replaced = HEADER.to_owned() + &rows(1000..1050);
    let begun = refused(begun, &replaced, "its first 626 bytes have changed");
    let rotated = HEADER.to_owned() + &rows(1000..1005);
    let begun = refused(begun, &rotated, "but 626 were read");
    // the original file is resumed.
    done(begun, &(HEADER.to_owned() + &rows(0..45)), 45);
}

const DAY: i64 = 86_400_000;

/// Runs over rows at these times, with a decision for each second.
fn timed(times: &[i64]) -> Ran {
    let folder = folder();
    let path = folder.path().join("rows.csv");
    let rows = times.iter().enumerate().map(|(i, time)| format!("{time},{i},{}\n", i % 2));
    std::fs::write(&path, format!("t,a,y\n{}", rows.collect::<String>())).unwrap();
    let pipeline = format!(
        "name = \"timed\"
        trigger.time = {{ every = \"10s\" }}
        selection.new_data = {{}}
        model.mlp.hidden = [2]
        training = {{}}
        source.file = {{ path = {path:?}, features = [\"a\"], label = \"y\", time = \"t\" }}"
    );
    Program::start_at(folder, &pipeline, &[], &[]).end()
}

fn seconds(rows: i64) -> Vec<i64> {
    (0..rows).map(|row| 1_700_000_000_000 + 1000 * row).collect()
}

fn an_event_time_far_ahead_of_the_rows_around_it_is_a_dead_letter() {
    for sentinel in [253_402_214_400_000, 1_700_000_050_000_000, i64::MAX] {
        for row in [0, 50, 199] {
            let mut times = seconds(200);
            times[row] = sentinel;
            let ran = timed(&times);
            ran.assert_done();
            assert_eq!(ran.summary["samples"], 199, "{}", ran.summary);
            let [letter] = &ran.dead_letters()[..] else { panic!("{:?}", ran.dead_letters()) };
            assert_eq!((&letter["error"], &letter["offset"]), (&"time".into(), &row.into()));
            let reason = letter["reason"].as_str().unwrap();
            assert!(reason.contains("ahead of the rows around it (`order.max_ahead`)"), "{reason}");
            let triggers = ran.summary["triggers"].as_array().unwrap();
            assert_eq!(triggers.len(), 19, "{sentinel} in row {row}");
        }
    }
}

fn a_pause_gives_one_decision_and_rejects_no_row() {
    let mut times = seconds(100);
    times[50..].iter_mut().for_each(|time| *time += 2 * DAY);
    let ran = timed(&times);
    ran.assert_done();
    assert_eq!((&ran.summary["samples"], &ran.summary["dead_letters"]), (&100.into(), &0.into()));
    let triggers = ran.summary["triggers"].as_array().unwrap();
    let reasons: Vec<&str> = triggers.iter().map(|it| it["reason"].as_str().unwrap()).collect();
    let pause = reasons.iter().filter(|reason| reason.contains("times")).collect::<Vec<_>>();
    assert_eq!((reasons.len(), &pause[..]), (9, &[&"10s passed 17281 times"][..]), "{reasons:?}");
    let log = ran.folder.path().join("state/log");
    assert!(size_of(&log) < 1 << 20);
}

fn size_of(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).unwrap();
    files.map(|file| file.unwrap().metadata().unwrap().len()).sum()
}
