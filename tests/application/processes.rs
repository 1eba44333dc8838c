//! Several processes on one state directory: they have the same result as one process, and end together.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::cluster::{Place, Processes, command, hosts, said};
use crate::results::RunResult;
use crate::small_job::{DRIFT_JOB, small_job};
use crate::wait::{LIMIT, OutputInTime, wait_for};

crate::suite::tests! {
    several_processes_give_the_same_results_as_one,
    a_file_is_read_by_one_process_and_its_dead_letters_are_kept,
    all_processes_end_when_one_dies_and_resume_in_another_number,
    a_stopped_process_ends_all,
    a_process_with_another_pipeline_is_rejected_with_the_reason,
    damage_found_by_one_process_ends_all,
    wrong_process_numbers_and_addresses_are_reported,
}

/// Time in which processes notice the loss of another one.
const SOON: Duration = Duration::from_secs(10);

fn several_processes_give_the_same_results_as_one() {
    let place = Place::new(DRIFT_JOB);
    let (wanted, _) = place.run((1, 2));
    assert!(wanted.summary["versions"].as_array().unwrap().len() > 2, "{:?}", wanted.summary);
    for size in [(2, 1), (2, 2), (3, 1)] {
        assert_eq!(place.run(size).0, wanted, "{size:?}");
    }
}

fn a_file_is_read_by_one_process_and_its_dead_letters_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let rows = folder.path().join("rows.csv");
    let row = |i: u32| {
        if i % 50 == 7 { "bad,row,0\n".into() } else { format!("{i},{},{}\n", i % 9, i % 2) }
    };
    std::fs::write(&rows, format!("t,a,c\n{}", (0..3000).map(row).collect::<String>())).unwrap();
    let place = Place::new(&small_job(&format!(
        "name = \"file\"
        source.file = {{ path = {rows:?}, features = [\"a\"], label = \"c\", time = \"t\" }}
        trigger.amount.every = 700"
    )));
    let dead_letters = |state: &Path| {
        let text = std::fs::read_to_string(state.join("dead-letters.jsonl")).unwrap();
        let offset =
            |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["offset"].clone();
        text.lines().map(|line| offset(line).as_u64().unwrap()).collect::<Vec<_>>()
    };
    let (wanted, state) = place.run((1, 1));
    assert_eq!(dead_letters(&state).len(), 60);
    let (made, other) = place.run((2, 1));
    assert_eq!((made, dead_letters(&other)), (wanted, dead_letters(&state)));
}

/// Every training reads samples of both partitions from the beginning on.
const LONG: &str = r#"
    name = "long"
    source.generator = { partitions = 2, stream.sea = { length = 20000, step_ms = 10 } }
    trigger.amount.every = 1000
    selection.new_data = { tail = "all", limit = 500, keep = "uniform" }
    model.mlp = { hidden = [4], classes = 2 }
    training.epochs = 2
    evaluation.interval = "20s"
"#;

/// Waits for two more versions.
fn wait_for_versions(processes: &mut Processes, state: &Path) {
    let versions = || std::fs::read_dir(state.join("models")).map_or(0, Iterator::count);
    let before = versions();
    wait_for("two more versions", LIMIT, || {
        let runs = processes.children.iter_mut().all(|child| child.try_wait().unwrap().is_none());
        assert!(runs, "one ended too early");
        versions() >= before + 2
    });
}

fn all_processes_end_when_one_dies_and_resume_in_another_number() {
    let place = Place::new(LONG);
    let (wanted, _) = place.run((1, 1));
    let state = place.state("killed");
    for (victim, size) in [(1, (2, 1)), (0, (3, 1)), (2, (3, 1)), (1, (2, 2))] {
        let mut processes = Processes::start(&place.pipeline, &state, size);
        wait_for_versions(&mut processes, &state);
        processes.kill(victim);
        let ends = processes.end(SOON);
        for (process, end) in ends.iter().enumerate().filter(|(process, _)| *process != victim) {
            let said = said(end);
            assert_eq!(end.status.code(), Some(75), "process {process} of {size:?}: {said}");
            assert!(said.contains(&format!("process {victim} (127.0.0.1:")), "{said}");
            assert!(
                said.contains("is no longer connected")
                    && said.contains("start all processes again"),
                "{said}"
            );
            assert!(!said.contains("panicked"), "{said}");
        }
    }
    let stdout = Processes::start(&place.pipeline, &state, (1, 2)).done();
    assert_eq!(RunResult::of(&state, &stdout), wanted);
}

fn a_stopped_process_ends_all() {
    let place = Place::new(LONG);
    let (wanted, _) = place.run((1, 1));
    let state = place.state("stopped");
    for (asked, signal, code) in [(0, "-TERM", 0), (1, "-TERM", 0), (1, "-INT", 130)] {
        let mut processes = Processes::start(&place.pipeline, &state, (2, 1));
        wait_for_versions(&mut processes, &state);
        let id = processes.children[asked].id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        let ends = processes.end(Duration::from_secs(20));
        for end in &ends {
            assert_eq!(end.status.code(), Some(code), "{signal} to {asked}: {}", said(end));
        }
        let summary: serde_json::Value = serde_json::from_slice(&ends[0].stdout).unwrap();
        assert_eq!(summary["complete"], false);
    }
    let stdout = Processes::start(&place.pipeline, &state, (2, 1)).done();
    assert_eq!(RunResult::of(&state, &stdout), wanted);
}

fn a_process_with_another_pipeline_is_rejected_with_the_reason() {
    let place = Place::new(LONG);
    let (state, other) = (place.state("state"), place.state("other"));
    let (hosts, _) = hosts(&state, 2);
    let start =
        |size, process, state: &Path| command(&place.pipeline, state, size, process, &hosts);
    let first = start((2, 1), 0, &state).spawn().unwrap();
    // a process with another pipeline or number of processes is rejected, and the right one is waited for.
    let changed = start((2, 1), 1, &state).args(["--set", "training.epochs=3"]).output_in_time();
    assert_eq!(changed.status.code(), Some(64), "{}", said(&changed));
    assert!(
        said(&changed).contains("its pipeline differs in `training.epochs`"),
        "{}",
        said(&changed)
    );
    let more = start((2, 3), 1, &state).output_in_time();
    assert!(said(&more).contains("2 processes with 3 workers each"), "{}", said(&more));
    std::fs::create_dir(&other).unwrap();
    let astray = start((2, 1), 1, &other).output_in_time();
    assert_eq!(astray.status.code(), Some(64), "{}", said(&astray));
    assert!(said(&astray).contains("is it the same shared directory?"), "{}", said(&astray));
    let right = start((2, 1), 1, &state).spawn().unwrap();
    let ends = Processes { children: vec![first, right] }.end(Duration::from_secs(60));
    assert!(
        ends.iter().all(|end| end.status.success()),
        "{:?}",
        ends.iter().map(said).collect::<Vec<_>>()
    );
    let message = said(&ends[0]);
    assert!(
        message.contains("`training.epochs`") && message.contains("with 3 workers"),
        "{message}"
    );
    assert!(message.contains("is not the state directory of process 0"), "{message}");
}

fn damage_found_by_one_process_ends_all() {
    let place = Place::new(LONG);
    let state = place.state("damaged");
    let mut processes = Processes::start(&place.pipeline, &state, (2, 1));
    wait_for_versions(&mut processes, &state);
    processes.kill(0);
    processes.end(SOON);
    let segment = state.join("log/001-000000.arrows");
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[3000] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let ends = Processes::start(&place.pipeline, &state, (2, 1)).end(SOON);
    let mut codes: Vec<_> = ends.iter().map(|end| end.status.code().unwrap()).collect();
    codes.sort_unstable();
    assert_eq!(codes, [65, 75], "{:?}", ends.iter().map(said).collect::<Vec<_>>());
    assert!(ends.iter().all(|end| said(end).contains("is damaged at byte")));
}

fn wrong_process_numbers_and_addresses_are_reported() {
    let place = Place::new(LONG);
    let hosts = place.state("hosts");
    let run = |process| {
        command(&place.pipeline, &place.state("s"), (2, 1), process, &hosts).output_in_time()
    };
    for (process, lines, text) in [
        (2, "localhost:1", "there is no process 2 of 2"),
        (1, "localhost:1", "1 lines for 2 processes"),
        (1, "a:1\nb:1\nc:1", "3 lines for 2 processes"),
        (1, "localhost:1\nlocalhost", "not `localhost`"),
        (0, "localhost:1\n\nlocalhost:1\n", "`localhost:1` is listed twice"),
    ] {
        std::fs::write(&hosts, lines).unwrap();
        let end = run(process);
        assert_eq!(end.status.code(), Some(64), "{}", said(&end));
        assert!(said(&end).contains(text), "{}", said(&end));
    }
}
