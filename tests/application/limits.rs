//! Limits that a pipeline sets: attempts of a training, and event times of samples.

use crate::program::{Program, Ran};
use crate::small_job::{sea_job, small_job};

crate::suite::tests! {
    a_training_that_ends_the_process_is_attempted_as_often_as_the_pipeline_says,
    samples_outside_the_time_range_are_dead_letters,
    late_samples_are_dead_letters_where_the_pipeline_says_so,
}

fn a_training_that_ends_the_process_is_attempted_as_often_as_the_pipeline_says() {
    let more = "trigger.amount.every = 3000";
    let text = sea_job("attempts", more).replace("epochs = 1", "epochs = 1\nmax_attempts = 2");
    let aborts = [("DRIFTMILL_ABORT", "training.prefetch:1")];
    let mut folder = tempfile::tempdir().unwrap();
    for attempt in 1..=2 {
        let ran = Program::start_at(folder, &text, &[], &aborts).end();
        assert_eq!(ran.code, None, "attempt {attempt}: {}", ran.said);
        folder = ran.folder;
    }
    // the third start would abort as well if it trained.
    let ran = Program::start_at(folder, &text, &[], &aborts).end();
    ran.assert_done();
    assert_eq!(ran.summary["triggers"][0]["version"], serde_json::Value::Null);
    let catalog = ran.folder.path().join("state/catalog.sqlite");
    let catalog = rusqlite::Connection::open(catalog).unwrap();
    let error: String =
        catalog.query_row("SELECT error FROM outcomes", [], |row| row.get(0)).unwrap();
    assert_eq!(error, "2 trainings in a row ended the whole process");
}

/// Runs over rows at these times with `rules` for their order; every three samples decide.
fn run(times: &[i64], rules: &str) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    let rows = times.iter().enumerate().map(|(i, time)| format!("{time},{i},{}\n", i % 2));
    std::fs::write(&path, format!("t,a,c\n{}", rows.collect::<String>())).unwrap();
    let text = small_job(&format!(
        "name = \"times\"
        source.file = {{ path = {path:?}, features = [\"a\"], label = \"c\", time = \"t\" }}
        trigger.amount.every = 3
        {rules}"
    ));
    Program::start_at(folder, &text, &[], &[]).end()
}

fn offsets_and_errors(ran: &Ran) -> Vec<(u64, String)> {
    let letters = ran.dead_letters();
    let of = |letter: &serde_json::Value| {
        (letter["offset"].as_u64().unwrap(), letter["error"].as_str().unwrap().to_owned())
    };
    letters.iter().map(of).collect()
}

fn samples_outside_the_time_range_are_dead_letters() {
    let ran = run(&[999, 1000, 1500, 2000, 2001], "order.time_range = { from = 1000, to = 2000 }");
    ran.assert_done();
    assert_eq!(offsets_and_errors(&ran), [(0, "time".to_owned()), (4, "time".to_owned())]);
    let reason = ran.dead_letters()[0]["reason"].as_str().unwrap().to_owned();
    assert_eq!(reason, "event time 999 is outside 1000..=2000 (`order.time_range`)");
    assert_eq!(ran.trained_on(1), [(1, 4, 3)]);
}

fn late_samples_are_dead_letters_where_the_pipeline_says_so() {
    let times = [1000, 1100, 1060, 1049, 1200, 1010];
    let admitted = run(&times, "order.out_of_orderness = \"50ms\"");
    admitted.assert_done();
    assert_eq!((&admitted.summary["samples"], &admitted.summary["late"]), (&6.into(), &2.into()));
    let refused = run(&times, "order = { out_of_orderness = \"50ms\", late = \"dead_letter\" }");
    refused.assert_done();
    assert_eq!((&refused.summary["samples"], &refused.summary["late"]), (&4.into(), &0.into()));
    assert_eq!(offsets_and_errors(&refused), [(3, "late".to_owned()), (5, "late".to_owned())]);
    let reason = refused.dead_letters()[0]["reason"].as_str().unwrap().to_owned();
    assert_eq!(reason, "event time 1049 is 1 ms behind its partition");
}
