//! Parts of a job that hang for ever: workers continue, and the job still stops on request.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::cluster::{Place, Processes, said};
use crate::program::{Program, Ran};
use crate::wait::{LIMIT, wait_for};

crate::suite::tests! {
    a_sink_that_hangs_stops_neither_reading_nor_training,
    an_upload_that_hangs_stops_neither_reading_nor_training,
    a_download_that_hangs_stops_no_reading,
    a_logged_row_that_cannot_be_downloaded_blocks_no_worker,
    dead_letters_that_hang_stop_no_reading,
    weights_that_cannot_be_read_stop_no_worker,
    an_unresponsive_process_is_reported_and_blocks_no_other,
    an_interrupt_is_handled_while_a_process_does_not_answer,
    a_training_that_panics_is_a_failed_training,
    max_failures_limits_consecutive_failed_trainings,
    a_service_stopped_while_it_waits_for_its_broker_ends_with_0,
}

/// Reading may be far ahead of decisions.
const ENDLESS: &str = "
    name = \"hanging\"
    order.max_buffered = 10000000
    source.generator = { stream.sea = { length = 3000000 }, partitions = 2 }
    trigger.amount.every = 1000
    selection.new_data = { limit = 500, tail = \"all\", keep = \"uniform\" }
    model.mlp = { hidden = [4] }
    training = { epochs = 1 }
    store.segment.size = \"64KiB\"
    ";

/// Bytes of the indexes of the log, which grow with every batch that a worker appends. With `worker`, only
/// those of one worker.
fn indexed(state: &Path, worker: Option<usize>) -> u64 {
    let prefix = worker.map_or_else(String::new, |worker| format!("{worker:03}-"));
    let files = fs::read_dir(state.join("log")).into_iter().flatten();
    let files = files.map(|file| file.unwrap()).filter(|file| {
        let name = file.file_name().into_string().unwrap();
        name.starts_with(&prefix) && name.ends_with(".index")
    });
    files.map(|file| file.metadata().map_or(0, |data| data.len())).sum()
}

fn versions(state: &Path) -> usize {
    fs::read_dir(state.join("models")).map_or(0, Iterator::count)
}

/// Waits until the log has `batches` more batches than now.
fn wait_for_batches(state: &Path, worker: Option<usize>, batches: u64, runs: impl Fn() -> bool) {
    let before = indexed(state, worker);
    wait_for("more batches in the log", LIMIT, || {
        assert!(runs(), "it ended too early");
        indexed(state, worker) > before + batches * 64
    });
}

/// Starts a job with a thread that hangs at a failpoint.
fn hanging(more: &str, failpoint: &str) -> Program {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("{ENDLESS}\n{}", more.replace("FOLDER", folder.path().to_str().unwrap()));
    Program::start_at(folder, &text, &["--poll", "100"], &[("DRIFTMILL_HANG", failpoint)])
}

/// Stops a job with a thread that hangs. The job must not wait for the thread.
fn ends_in_time(job: Program) -> Ran {
    let begun = Instant::now();
    job.interrupt();
    let ran = job.end();
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}: {}", begun.elapsed(), ran.said);
    assert_eq!(ran.code, Some(130), "{}", ran.said);
    assert_eq!(ran.summary["complete"], false, "{}", ran.said);
    ran
}

/// Checks that a job reads and trains while a thread hangs.
fn reads_and_trains(mut job: Program) {
    job.wait_for("models/2/version.json");
    let state = job.state();
    let before = versions(&state);
    wait_for("five more versions", LIMIT, || {
        assert!(job.runs(), "it ended too early");
        versions(&state) >= before + 5
    });
    ends_in_time(job);
}

fn a_sink_that_hangs_stops_neither_reading_nor_training() {
    reads_and_trains(hanging("sink.directory.path = \"FOLDER/sink\"", "version.sent:1"));
}

fn an_upload_that_hangs_stops_neither_reading_nor_training() {
    let tier = "[store.tier]\nurl = \"file://FOLDER/tier\"\ncache = \"1GiB\"";
    reads_and_trains(hanging(tier, "tier.written:1"));
}

fn a_download_that_hangs_stops_no_reading() {
    let tier = "[store.tier]\nurl = \"file://FOLDER/tier\"\ncache = \"64KiB\"";
    let mut job = hanging(tier, "tier.download:1");
    job.wait_for("models/2/version.json");
    let state = job.state();
    // a training whose samples are only on the object store waits for ever.
    let mut last = (versions(&state), Instant::now());
    wait_for("a training that hangs", LIMIT, || {
        assert!(job.runs(), "it ended too early");
        let made = versions(&state);
        if made != last.0 {
            last = (made, Instant::now());
        }
        last.1.elapsed() > Duration::from_secs(2)
    });
    wait_for_batches(&state, None, 20, || true);
    ends_in_time(job);
}

/// The pipeline with a file as its source.
fn of_file(rows: &Path) -> String {
    ENDLESS.replace(
        "source.generator = { stream.sea = { length = 3000000 }, partitions = 2 }",
        &format!(
            "source.file = {{ path = {rows:?}, features = [\"a\"], label = \"c\", time = \"t\" }}"
        ),
    )
}

fn a_logged_row_that_cannot_be_downloaded_blocks_no_worker() {
    let folder = tempfile::tempdir().unwrap();
    let rows = folder.path().join("rows.csv");
    let lines = |range: std::ops::Range<u32>| -> String {
        range.map(|i| format!("{i},1,{}\n", i % 2)).collect()
    };
    fs::write(&rows, format!("t,a,c\n{}", lines(0..3000))).unwrap();
    let tier = folder.path().join("tier");
    let text = format!(
        "{}\n[store.tier]\nurl = \"file://{}\"\ncache = \"1B\"",
        of_file(&rows),
        tier.display()
    );
    let ran = Program::start_at(folder, &text, &[], &[]).end();
    ran.assert_done();
    let log = ran.folder.path().join("state/log");
    let local = || {
        let files = fs::read_dir(&log).unwrap().map(|file| file.unwrap().path());
        files.filter(|file| file.extension() == Some("arrows".as_ref())).count()
    };
    assert_eq!(local(), 0, "segments that are on the object store should not be kept");
    fs::write(&rows, format!("t,a,c\n{}", lines(0..6000))).unwrap();
    let hang = [("DRIFTMILL_HANG", "tier.download:1")];
    let job = Program::start_at(ran.folder, &text, &["--workers", "2"], &hang);
    let before = indexed(&job.state(), None);
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(indexed(&job.state(), None), before, "the download should hang");
    let ran = ends_in_time(job);
    assert!(!ran.said.contains("not all parts of the job could be stopped"), "{}", ran.said);
}

fn dead_letters_that_hang_stop_no_reading() {
    let folder = tempfile::tempdir().unwrap();
    let rows = folder.path().join("rows.csv");
    let row = |i: u32| if i == 10 { "bad,row,0\n".into() } else { format!("{i},1,{}\n", i % 2) };
    fs::write(&rows, format!("t,a,c\n{}", (0..300_000).map(row).collect::<String>())).unwrap();
    let text = of_file(&rows);
    let hang = [("DRIFTMILL_HANG", "dead_letters.write:1")];
    let job = Program::start_at(folder, &text, &["--poll", "100"], &hang);
    wait_for_batches(&job.state(), None, 200, || true);
    assert_eq!(versions(&job.state()), 0, "a decision was recorded before the dead letters");
    ends_in_time(job);
}

/// Scores samples, on both processes.
const SCORED: &str = "
    [evaluation]
    interval = \"20m\"
    ";

fn weights_that_cannot_be_read_stop_no_worker() {
    let place = Place::new(&format!("{ENDLESS}{SCORED}"));
    let state = place.state("weights");
    // only process 1 reads weights from files: those of the versions that process 0 has made.
    let processes = Processes::start_with(&place.pipeline, &state, (2, 1), |process, run| {
        run.envs((process == 1).then_some(("DRIFTMILL_HANG", "weights.read:1")));
    });
    wait_for("a version", LIMIT, || versions(&state) > 0);
    wait_for_batches(&state, Some(1), 100, || true);
    processes.signal(0, "-INT");
    let ends = processes.end(Duration::from_secs(40));
    assert_eq!(ends[0].status.code(), Some(130), "{}", said(&ends[0]));
}

fn an_unresponsive_process_is_reported_and_blocks_no_other() {
    let place = Place::new(&ENDLESS.replace("3000000", "12000000"));
    let state = place.state("silent");
    let processes = Processes::start(&place.pipeline, &state, (2, 1));
    wait_for("a version", LIMIT, || versions(&state) > 0);
    processes.signal(1, "-STOP");
    let begun = Instant::now();
    wait_for_batches(&state, Some(0), 50, || true);
    assert!(begun.elapsed() < Duration::from_secs(25), "process 0 waited: {:?}", begun.elapsed());
    let ends = processes.end_first(0, Duration::from_secs(60));
    let after = begun.elapsed();
    assert!((20..50).contains(&after.as_secs()), "missed after {after:?}");
    assert_eq!(ends[0].status.code(), Some(75), "{}", said(&ends[0]));
    assert!(said(&ends[0]).contains("process 1"), "{}", said(&ends[0]));
}

fn an_interrupt_is_handled_while_a_process_does_not_answer() {
    let place = Place::new(ENDLESS);
    let state = place.state("interrupted");
    let processes = Processes::start(&place.pipeline, &state, (2, 1));
    wait_for("two versions", LIMIT, || versions(&state) >= 2);
    processes.signal(1, "-STOP");
    // by now process 0 waits for an answer of process 1 before it commits.
    std::thread::sleep(Duration::from_secs(2));
    let begun = Instant::now();
    processes.signal(0, "-INT");
    let ends = processes.end_first(0, Duration::from_secs(60));
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert_eq!(ends[0].status.code(), Some(130), "{}", said(&ends[0]));
}

/// A stream of three decisions.
fn short() -> String {
    ENDLESS.replace("length = 3000000", "length = 3000")
}

fn a_training_that_panics_is_a_failed_training() {
    let folder = tempfile::tempdir().unwrap();
    let panics = [("DRIFTMILL_PANIC", "training.prefetch:1")];
    let ran = Program::start_at(folder, &short(), &[], &panics).end();
    ran.assert_done();
    let triggers = ran.summary["triggers"].as_array().unwrap();
    let failed = triggers.iter().filter(|trigger| trigger["version"].is_null()).count();
    assert_eq!((triggers.len(), failed), (3, 1), "{}", ran.summary);
    assert_eq!(ran.summary["versions"].as_array().unwrap().len(), 2);
}

/// Weights grow by this factor with every step.
const DIVERGES: &str = "optimizer.sgd = { learning_rate = 1e30, weight_decay = 1.0 }";

fn max_failures_limits_consecutive_failed_trainings() {
    let diverges = |most: &str| {
        let training = format!("training = {{ epochs = 2, {DIVERGES}{most} }}");
        let text = short().replace("training = { epochs = 1 }", &training);
        Program::start(&text).end()
    };
    let all = diverges("");
    all.assert_done();
    assert_eq!(all.summary["versions"].as_array().unwrap().len(), 0, "{}", all.summary);
    let two = diverges(", max_failures = 2");
    assert_eq!(two.code, Some(65), "{}", two.said);
    assert!(two.said.contains("2 trainings in a row failed"), "{}", two.said);
}

fn a_service_stopped_while_it_waits_for_its_broker_ends_with_0() {
    let job = Program::start(
        "name = \"waits\"
        source.kafka = { brokers = \"127.0.0.1:1\", topics = [\"t\"], startup_timeout = \"10m\" }
        codec.json = { features = [\"a\"], label = \"c\" }
        trigger.amount.every = 1000
        selection.new_data = {}
        model.mlp.hidden = [2]
        training = {}",
    );
    std::thread::sleep(Duration::from_secs(2));
    let begun = Instant::now();
    job.terminate();
    let ran = job.end();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(ran.code, Some(0), "{}", ran.said);
}
