//! Ctrl-C: once ends a run with what it did so far, twice ends it at once.

use std::io::Read;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::runs::Program;

/// Dead letters go to a pipe that nobody reads, so that the job hangs where it cannot hear the
/// first interrupt.
#[test]
fn a_second_interrupt_ends_a_job_that_hangs() {
    let folder = tempfile::tempdir().unwrap();
    let (pipe, rows) = (folder.path().join("pipe"), folder.path().join("rows.csv"));
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // a pipe that is open at both ends takes some pages, then blocks.
    let mut letters = std::fs::File::options().read(true).write(true).open(&pipe).unwrap();
    std::fs::write(&rows, format!("t,a\n1,1\n{}", "bad,row\n".repeat(20_000))).unwrap();
    let mut job = Program::start(&format!(
        "name = \"hangs\"
        dead_letters.file = {pipe:?}
        source.file = {{ path = {rows:?}, features = [\"a\"], time = \"t\" }}
        trigger.amount.every = 1
        selection.new_data = {{}}
        model.mlp.hidden = [2]
        training = {{}}"
    ));
    let mut some = [0; 16];
    letters.read_exact(&mut some).unwrap();
    std::thread::sleep(Duration::from_millis(500));
    job.interrupt();
    std::thread::sleep(Duration::from_millis(500));
    assert!(job.runs(), "it was to hang: {}", job.end().said);
    let begun = Instant::now();
    job.interrupt();
    let ran = job.end();
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert_eq!(ran.code, Some(130), "{}", ran.said);
    assert!(ran.said.contains("once more ends at once"), "{}", ran.said);
}
