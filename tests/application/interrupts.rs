//! Interrupts. One Ctrl-C ends a run with its results so far, and two end it at once. SIGTERM lets it
//! finish.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::program::Program;
use crate::wait::{LIMIT, wait_for};

crate::suite::tests! {
    a_second_interrupt_ends_a_job_at_once,
    one_interrupt_ends_a_hanging_job_with_a_summary,
    a_stopped_service_finishes_a_training_or_leaves_it_to_the_next_start,
}

/// A job that hangs in a call that no interrupt ends: it writes dead letters to a pipe without a reader.
/// Also returns the pipe and the folder that holds it.
fn hanging() -> (Program, File, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let (pipe, rows) = (folder.path().join("pipe"), folder.path().join("rows.csv"));
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // a pipe that is open at both ends takes a few pages and then blocks.
    let mut dead_letters = File::options().read(true).write(true).open(&pipe).unwrap();
    let good: String = (0..2000).map(|i| format!("{i},1,0\n")).collect();
    std::fs::write(&rows, format!("t,a,c\n{good}{}", "bad,row,0\n".repeat(20_000))).unwrap();
    let mut job = Program::start(&format!(
        "name = \"hangs\"
        dead_letters.file = {pipe:?}
        source.file = {{ path = {rows:?}, features = [\"a\"], label = \"c\", time = \"t\" }}
        trigger.amount.every = 1000
        selection.new_data = {{}}
        model.mlp.hidden = [2]
        training = {{}}"
    ));
    dead_letters.read_exact(&mut [0; 16]).unwrap();
    std::thread::sleep(Duration::from_millis(500));
    job.interrupt();
    std::thread::sleep(Duration::from_millis(500));
    assert!(job.runs(), "it was to hang: {}", job.end().said);
    (job, dead_letters, folder)
}

fn a_second_interrupt_ends_a_job_at_once() {
    let (job, _letters, _folder) = hanging();
    let begun = Instant::now();
    job.interrupt();
    let ran = job.end();
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert_eq!(ran.code, Some(130), "{}", ran.said);
    assert!(ran.said.contains("a second signal ends at once"), "{}", ran.said);
    assert!(ran.summary.is_null(), "{}", ran.summary);
}

fn one_interrupt_ends_a_hanging_job_with_a_summary() {
    let (job, _letters, _folder) = hanging();
    let begun = Instant::now();
    let ran = job.end();
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    assert_eq!(ran.code, Some(130), "{}", ran.said);
    assert_eq!(ran.summary["complete"], false, "{}", ran.said);
    assert!(ran.summary["samples"].as_u64().unwrap() >= 1024, "{}", ran.summary);
}

/// Trainings of about a second, one after another.
fn busy(grace: &str) -> String {
    format!(
        "name = \"busy\"
        shutdown.grace = \"{grace}\"
        source.generator.stream.sea = {{ length = 4500 }}
        trigger.amount.every = 1500
        selection.new_data = {{}}
        model.mlp.hidden = [256, 256]
        training = {{ epochs = 12 }}"
    )
}

fn a_stopped_service_finishes_a_training_or_leaves_it_to_the_next_start() {
    let whole = Program::start(&busy("60s")).end();
    whole.assert_done();
    for (grace, versions) in [("60s", 1), ("0s", 0)] {
        let mut job = Program::start(&busy(grace));
        let database = job.folder.path().join("state/catalog.sqlite");
        // a training runs when its first decision is recorded.
        wait_for("the first decision", LIMIT, || {
            assert!(job.runs(), "it ended without a decision");
            decisions(&database) > 0
        });
        job.terminate();
        let stopped = job.end();
        assert_eq!(stopped.code, Some(0), "{}", stopped.said);
        assert_eq!(stopped.summary["complete"], false);
        let made = stopped.summary["versions"].as_array().unwrap().len();
        assert_eq!(made, versions, "{grace}: {}", stopped.said);
        // when restarted, it continues as if it had never stopped.
        let rest = Program::start_at(stopped.folder, &busy("60s"), &[], &[]).end();
        rest.assert_done();
        for key in ["triggers", "evaluation", "samples"] {
            assert_eq!(rest.summary[key], whole.summary[key], "{key}");
        }
        let digests = |summary: &serde_json::Value| {
            let versions = summary["versions"].as_array().unwrap().clone();
            versions.iter().map(|version| version["sha256"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(digests(&rest.summary), digests(&whole.summary));
    }
}

fn decisions(database: &Path) -> i64 {
    let read = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let Ok(database) = rusqlite::Connection::open_with_flags(database, read) else { return 0 };
    database.query_row("SELECT count(*) FROM decisions", [], |row| row.get(0)).unwrap_or(0)
}
