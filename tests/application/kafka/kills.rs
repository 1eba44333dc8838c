//! Killed wherever, a job publishes what it would have published.
//!
//! `DRIFTMILL_KILLS` and `DRIFTMILL_SEED` make it more kills, and others; `DRIFTMILL_PROGRAM` names
//! another build of the program:
//!
//! ```sh
//! DRIFTMILL_KILLS=500 DRIFTMILL_SEED=7 cargo test --test application kills -- --nocapture
//! ```

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use driftmill::fail::POINTS;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use serde_json::{Value, json};

use super::broker::brokers;
use super::topics::{consume_all, create, produce, unique};

/// Partitions of the topic.
pub(super) const PARTITIONS: i32 = 3;

pub(super) fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Rows whose classes change their meaning; some come late, some are garbage.
pub(super) fn rows(count: i64) -> Vec<(i32, i64, String)> {
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

pub(super) fn job(brokers: &str, topic: &str, models: &str) -> String {
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
        [sink.kafka]
        topic = \"{models}\""
    )
}

pub(super) fn start(state: &Path, pipeline: &Path, workers: u64, abort: Option<String>) -> Child {
    let program = std::env::var("DRIFTMILL_PROGRAM");
    let mut run = Command::new(program.unwrap_or(env!("CARGO_BIN_EXE_driftmill").to_owned()));
    run.arg("run").arg(pipeline).arg("--json").arg("--state").arg(state);
    run.args(["--workers", &workers.to_string(), "--poll", "200"]);
    run.envs(abort.map(|abort| ("DRIFTMILL_ABORT", abort)));
    run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// All that a run decided and made, but for names, places and wall-clock times.
#[derive(Debug, PartialEq)]
pub(super) struct Made {
    summary: Value,
    events: Vec<Value>,
    catalog: Vec<String>,
}

impl Made {
    pub(super) fn of(brokers: &str, state: &Path, models: &str, stdout: &[u8]) -> Self {
        let mut summary: Value = serde_json::from_slice(stdout).unwrap();
        without(&mut summary);
        let events = consume_all(brokers, models).into_iter().map(|event| {
            let mut value = event.value;
            without(&mut value);
            value
        });
        Self { summary, events: events.collect(), catalog: catalog(state) }
    }
}

/// Takes out what no two runs have in common.
fn without(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for key in
                ["id", "run", "state", "seconds", "training_seconds", "created", "uri", "outages"]
            {
                // a trigger's id is a number.
                if map.get(key).is_some_and(|found| key != "id" || found.is_string()) {
                    map.remove(key);
                }
            }
            map.remove("pipeline_digest");
            map.values_mut().for_each(without);
        }
        Value::Array(items) => items.iter_mut().for_each(without),
        _ => {}
    }
}

fn catalog(state: &Path) -> Vec<String> {
    let database = rusqlite::Connection::open(state.join("catalog.sqlite")).unwrap();
    let tables = [
        "SELECT branch, trigger, time, sample, cut, decided_before, policy, reason, score,
                threshold, candidates, samples, hex(ids), ids_digest, seed, model FROM decided
         ORDER BY branch, trigger",
        "SELECT branch, trigger, version, sha256, loss, error FROM outcomes
         ORDER BY branch, trigger",
        "SELECT topic_index, partition, start, end FROM partitions ORDER BY number",
        "SELECT sink, version FROM published ORDER BY version",
    ];
    let mut lines = Vec::new();
    for query in tables {
        let mut statement = database.prepare(query).unwrap();
        let columns = statement.column_count();
        let line = |row: &rusqlite::Row<'_>| {
            let cell = |i| row.get::<_, rusqlite::types::Value>(i);
            (0..columns).map(|i| Ok(format!("{:?}", cell(i)?))).collect::<Result<Vec<_>, _>>()
        };
        let rows = statement.query_map([], line).unwrap();
        lines.extend(rows.map(|row| row.unwrap().join(" ")));
    }
    lines
}

/// How a process is ended.
fn way(random: &mut Pcg64, usual: Duration) -> (Option<String>, Duration) {
    if random.random_bool(0.6) {
        let place = POINTS[random.random_range(0..POINTS.len())];
        let most = if place.starts_with("log.") || place.starts_with("catalog.") { 12 } else { 3 };
        return (Some(format!("{place}:{}", random.random_range(1..=most))), usual * 20);
    }
    (None, usual.mul_f64(random.random_range(0.02..1.0)))
}

/// Starts a job again and again until it comes to its end; how often it was killed, and what it
/// said then.
fn survive(
    (state, pipeline): (&Path, &Path),
    (random, usual): (&mut Pcg64, Duration),
    most: u64,
) -> (u64, Vec<u8>) {
    let mut kills = 0;
    loop {
        let workers = random.random_range(1..=3);
        let (abort, time) = match kills < most {
            true => way(random, usual),
            false => (None, Duration::from_secs(100)),
        };
        let told = format!("{workers} workers, {abort:?}, {time:?}");
        let begun = Instant::now();
        let mut job = start(state, pipeline, workers, abort);
        while begun.elapsed() < time && job.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(2));
        }
        let ended = job.try_wait().unwrap();
        assert!(ended.is_some() || kills < most, "it does not end: {told}");
        // an error would be a SIGKILL that came too late.
        drop(job.kill());
        let output = job.wait_with_output().unwrap();
        match output.status.code() {
            Some(0) => return (kills, output.stdout),
            None => kills += 1,
            Some(code) => {
                panic!(
                    "{code} after {kills} kills: {told}: {}",
                    String::from_utf8_lossy(&output.stderr)
                )
            }
        }
    }
}

#[test]
fn killed_anywhere_it_publishes_the_same() {
    let Some(brokers) = brokers() else { return };
    let topic = unique("kills");
    create(brokers, &topic, PARTITIONS);
    let rows = rows(9_000);
    produce(brokers, &topic, rows.iter().map(|(p, time, row)| (*p, *time, row.as_bytes())));
    let folder = tempfile::tempdir().unwrap();
    let named = |models: &str| {
        let pipeline = folder.path().join(format!("{models}.toml"));
        std::fs::write(&pipeline, job(brokers, &topic, models)).unwrap();
        (folder.path().join(models), pipeline)
    };

    let models = unique("models");
    let (state, pipeline) = named(&models);
    let begun = Instant::now();
    let output = start(&state, &pipeline, 1, None).wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let usual = begun.elapsed();
    let wanted = Made::of(brokers, &state, &models, &output.stdout);
    assert!(wanted.events.len() > 4, "{:?}", wanted.summary);
    assert!(wanted.summary["late"].as_u64() > Some(10) && wanted.summary["dead_letters"] == 29);

    let (most, seed) = (setting("DRIFTMILL_KILLS", 25), setting("DRIFTMILL_SEED", 1));
    let mut random = Pcg64::seed_from_u64(seed);
    let mut kills = 0;
    let mut lives = 0;
    while kills < most {
        let models = unique("models");
        let (state, pipeline) = named(&models);
        let most = (most - kills).min(random.random_range(4..15));
        let (killed, stdout) = survive((&state, &pipeline), (&mut random, usual), most);
        let made = Made::of(brokers, &state, &models, &stdout);
        assert_eq!(wanted, made, "seed {seed}, after {killed} kills");
        (kills, lives) = (kills + killed, lives + 1);
    }
    eprintln!("{kills} kills in {lives} lives: the same, seed {seed}");
    assert_ne!(wanted.summary["evaluation"], json!(null));
}
