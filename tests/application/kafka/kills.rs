//! A job that is killed at any point publishes the same versions as an undisturbed one.
//!
//! `DRIFTMILL_KILLS` and `DRIFTMILL_SEED` set the number of kills and the seed. `DRIFTMILL_PROGRAM` names
//! another build of the program:
//!
//! ```sh
//! DRIFTMILL_KILLS=500 DRIFTMILL_SEED=7 cargo test --test application kills -- --nocapture
//! ```

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use driftmill::failpoint::Failpoint;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use serde_json::{Value, json};

use crate::broker::brokers;
use crate::cluster::{Processes, Size, command, hosts};
use crate::needs::KAFKA;
use crate::results::{RunResult, without};
use crate::topics::{consume_all, create, produce, unique};

crate::suite::tests! {
    a_job_killed_anywhere_publishes_the_same_versions needs KAFKA,
}

/// Time within which all processes of a job end after one of them.
const SOON: Duration = Duration::from_secs(5);

/// Number of partitions of the topic.
const PARTITIONS: i32 = 3;

pub(super) fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Rows whose classes change their meaning. Some are late, some are invalid.
fn rows(count: i64) -> Vec<(i32, i64, String)> {
    let row = |i: i64| {
        let noise = (i.wrapping_mul(0x9E37_79B9) >> 7) & 1023;
        let (a, b) = ((noise & 31) + i / 1_500 * 4, noise >> 5);
        let class = i64::from((a > b) == (i < count / 2));
        let late = if i % 97 == 0 { 5_000 } else { 0 };
        let text = match i % 301 {
            300 => "garbage".to_owned(),
            _ => format!("{{\"a\":{a},\"b\":{b},\"c\":{class}}}"),
        };
        ((i * 7 % 5) as i32 % PARTITIONS, 1_000_000 + i * 10 - late, text)
    };
    (0..count).map(row).collect()
}

fn job(brokers: &str, topic: &str, models: &str) -> String {
    format!(
        "name = \"kills\"
        [source.kafka]
        brokers = \"{brokers}\"
        topics = [\"{topic}\"]
        until = \"end\"
        [codec.json]
        features = [\"a\", \"b\"]
        label = \"c\"
        [order]
        out_of_orderness = \"200ms\"
        [checkpoint]
        every = 300
        [trigger.drift]
        every = 400
        on = \"features\"
        windows.amount = {{ reference = 900, current = 400 }}
        metrics.ks = {{ threshold = 0.05 }}
        [selection.new_data]
        tail = 1
        limit = 700
        keep = \"uniform\"
        [model.mlp]
        hidden = [8]
        classes = 2
        [training]
        epochs = 2
        max_attempts = 100
        [evaluation]
        interval = \"20s\"
        [compare.often]
        trigger.amount.every = 1100
        selection.random_no_replacement = {{ samples = 800 }}
        [compare.often.downsampling]
        ratio = 0.4
        policy.rho_loss = {{}}
        irreducible.holdout = \"twin\"
        schedule = [{{ from_trigger = 4, mode = \"batch_then_sample\" }}]
        [shadow.errors.trigger.sequential]
        on = \"error\"
        every = 150
        detector.ddm = {{}}
        [shadow.seldom]
        trigger.amount.every = 1300
        [sink.kafka]
        topic = \"{models}\""
    )
}

/// The versions of a run, and their published events.
#[derive(Debug, PartialEq)]
pub(super) struct Published {
    made: RunResult,
    events: Vec<Value>,
}

impl Published {
    pub(super) fn of(brokers: &str, state: &Path, models: &str, stdout: &[u8]) -> Self {
        let events = consume_all(brokers, models).into_iter().map(|event| {
            let mut value = event.value;
            without(&mut value);
            value
        });
        Self { events: events.collect(), made: RunResult::of(state, stdout) }
    }
}

/// Starts one or more processes, one of which aborts.
pub(super) fn start(
    state: &Path,
    pipeline: &Path,
    size: Size,
    victim: usize,
    abort: Option<&str>,
) -> Processes {
    let (hosts, _) = hosts(state, size.0);
    let start = |process| {
        let mut run = command(pipeline, state, size, process, &hosts);
        run.envs(abort.filter(|_| process == victim).map(|abort| ("DRIFTMILL_ABORT", abort)));
        run.spawn().unwrap()
    };
    Processes { children: (0..size.0).map(start).collect() }
}

/// The way in which a process is ended.
fn way(random: &mut Pcg64, usual: Duration) -> (Option<String>, Duration) {
    if random.random_bool(0.6) {
        let place = Failpoint::ALL[random.random_range(0..Failpoint::ALL.len())].name();
        let most = if place.starts_with("log.") || place.starts_with("catalog.") { 12 } else { 3 };
        return (Some(format!("{place}:{}", random.random_range(1..=most))), usual * 20);
    }
    (None, usual.mul_f64(random.random_range(0.02..1.0)))
}

/// Starts a job again and again until it has ended, on one or two processes, one of which is killed.
/// Returns the number of starts and the last output.
fn survive(
    state: &Path,
    pipeline: &Path,
    random: &mut Pcg64,
    usual: Duration,
    most: u64,
) -> (u64, Vec<u8>) {
    let mut kills = 0;
    loop {
        let size = if random.random_bool(0.4) {
            (2, random.random_range(1..=2))
        } else {
            (1, random.random_range(1..=3))
        };
        let victim = random.random_range(0..size.0);
        let killed = kills < most;
        let (abort, time) =
            if killed { way(random, usual) } else { (None, Duration::from_secs(100)) };
        let case = format!("{size:?}, {abort:?} in {victim}, {time:?}");
        let begun = Instant::now();
        let mut job = start(state, pipeline, size, victim, abort.as_deref());
        while begun.elapsed() < time && job.children[victim].try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(2));
        }
        job.kill(victim);
        let (running, mut ends) = job.end_or_kill(SOON);
        let codes: Vec<Option<i32>> = ends.iter().map(|end| end.status.code()).collect();
        if codes.iter().all(|code| *code == Some(0)) {
            return (kills, ends.swap_remove(0).stdout);
        }
        let said = ends.iter().map(|end| String::from_utf8_lossy(&end.stderr).into_owned());
        let said: Vec<String> = said.collect();
        assert_eq!(codes[victim], None, "after {kills} kills: {case}: {said:?}");
        for other in (0..size.0).filter(|process| *process != victim) {
            // a process that was killed before it took part is waited for.
            let waits = running[other] && said[other].contains("waiting for process");
            let ended = matches!(codes[other], Some(0 | 75));
            assert!(waits || ended, "{codes:?} after {kills} kills: {case}: {said:?}");
        }
        kills += 1;
    }
}

/// A topic, and what a job over it publishes when nothing disturbs it.
pub(super) struct Undisturbed {
    folder: tempfile::TempDir,
    topic: String,
    /// How long the job took.
    pub(super) usual: Duration,
    pub(super) wanted: Published,
}

impl Undisturbed {
    /// Fills a topic whose name begins with `name`, and runs the job over it.
    pub(super) fn run(brokers: &str, name: &str) -> Self {
        let topic = unique(name);
        create(brokers, &topic, PARTITIONS);
        let rows = rows(9_000);
        produce(brokers, &topic, rows.iter().map(|(p, time, row)| (*p, *time, row.as_bytes())));
        let (folder, models) = (tempfile::tempdir().unwrap(), unique("models"));
        let (state, pipeline) = write_job(folder.path(), brokers, &topic, &models);
        let begun = Instant::now();
        let stdout = start(&state, &pipeline, (1, 1), 0, None).done();
        let usual = begun.elapsed();
        let wanted = Published::of(brokers, &state, &models, &stdout);
        Self { folder, topic, usual, wanted }
    }

    /// The state directory and the pipeline file of the same job, which publishes to `models`.
    pub(super) fn job(&self, brokers: &str, models: &str) -> (PathBuf, PathBuf) {
        write_job(self.folder.path(), brokers, &self.topic, models)
    }
}

fn write_job(folder: &Path, brokers: &str, topic: &str, models: &str) -> (PathBuf, PathBuf) {
    let pipeline = folder.join(format!("{models}.toml"));
    std::fs::write(&pipeline, job(brokers, topic, models)).unwrap();
    (folder.join(models), pipeline)
}

fn a_job_killed_anywhere_publishes_the_same_versions() {
    let brokers = brokers();
    let undisturbed = Undisturbed::run(brokers, "kills");
    let Undisturbed { usual, wanted, .. } = &undisturbed;
    let summary = &wanted.made.summary;
    assert!(wanted.events.len() > 4, "{summary:?}");
    assert!(summary["late"].as_u64() > Some(10) && summary["dead_letters"] == 29);
    assert_ne!(summary["evaluation"], json!(null));

    let (most, seed) = (setting("DRIFTMILL_KILLS", 25), setting("DRIFTMILL_SEED", 1));
    let mut random = Pcg64::seed_from_u64(seed);
    let mut kills = 0;
    let mut lives = 0;
    while kills < most {
        let models = unique("models");
        let (state, pipeline) = undisturbed.job(brokers, &models);
        let most = (most - kills).min(random.random_range(4..15));
        let (killed, stdout) = survive(&state, &pipeline, &mut random, *usual, most);
        let made = Published::of(brokers, &state, &models, &stdout);
        assert_eq!(*wanted, made, "seed {seed}, after {killed} kills");
        (kills, lives) = (kills + killed, lives + 1);
    }
    eprintln!("{kills} kills in {lives} lives: the same, seed {seed}");
}
