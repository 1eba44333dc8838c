//! The cost of many processed samples for a job: memory, triggers, a restart.
//!
//! ```text
//! cargo bench --bench scale                  # 50 million samples: 5 GB on disk
//! cargo bench --bench scale -- 5             # 5 million
//! ```
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use driftmill::catalog::{Catalog, DecisionEntry, NewDecision, RunRecord};
use driftmill::store::{Log, LogBatch, LogWriter, RowKind};
use driftmill_datasets::{Schema, ValueType, Values};
use driftmill_operators::flow::{Decision, TriggerCheckpoint};
use driftmill_operators::selection::{Candidate, TrainingSet};
use driftmill_operators::trigger::{Cut, Reason};
use driftmill_operators::{Id, Position};
use rusqlite::{Connection, OpenFlags};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const PER_POLL: u64 = 1024;
const MILLION: u64 = 1_000_000;
const TRIGGERS: usize = 300;
const TRAINING_SET: u64 = 10_000;

/// A run with this number of processed samples, without its job.
struct Run {
    _folder: tempfile::TempDir,
    log: Log,
    writer: LogWriter,
    catalog: Catalog,
    samples: u64,
    triggers: u64,
}

impl Run {
    fn with(samples: u64) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let schema = Schema { value: ValueType::F32, shape: vec![1] };
        let log = Log::create(&folder.path().join("log"), schema)?;
        let record = RunRecord {
            id: "run".to_owned(),
            pipeline: "{}".to_owned(),
            current: "{}".to_owned(),
            adopted: None,
            complete: false,
            arithmetic: None,
        };
        let catalog = Catalog::create(&folder.path().join("catalog.sqlite"), &record, &[])?;
        let writer = LogWriter::open(&log, 0)?;
        let mut run = Self { _folder: folder, log, writer, catalog, samples: 0, triggers: 0 };
        while run.samples < samples {
            run.append()?;
        }
        Ok(run)
    }

    fn append(&mut self) -> Result<()> {
        let ids: Vec<u64> =
            (self.samples..self.samples + PER_POLL).map(|offset| Id::new(0, 0, offset).0).collect();
        let rows = ids.len();
        self.writer.append(LogBatch {
            position_times: ids.iter().map(|id| *id as i64).collect(),
            times: ids.iter().map(|id| *id as i64).collect(),
            kinds: vec![RowKind::Put as u8; rows],
            keys: vec![0; rows],
            labels: vec![Some(0); rows],
            values: Values::F32(vec![1.0; rows]),
            ids,
            ..LogBatch::new(ValueType::F32)
        })?;
        self.samples += PER_POLL;
        Ok(())
    }

    /// Records a decision on some of the newest million samples and gathers them. Returns the seconds of
    /// the commit and of everything.
    fn trigger(&mut self) -> Result<[f64; 2]> {
        self.append()?;
        let set = self.newest();
        let ids: Vec<Id> = set.rows.iter().map(Candidate::id).collect();
        let checkpoint = TriggerCheckpoint {
            at: set.decision.end(),
            decisions_before: 0,
            next_trigger: self.triggers + 1,
            version: None,
            open: None,
            policy: Vec::new(),
        };
        let begun = Instant::now();
        let durable = self.log.sync()?;
        self.catalog.record_decision(&DecisionEntry {
            decision: NewDecision { branch: "", set: &set, seed: self.triggers, model: None },
            durable: &durable,
            checkpoint: &checkpoint,
            trigger_evaluations: &[],
        })?;
        self.log.recorded(&durable);
        let committed = begun.elapsed();
        let mut values = Values::new(ValueType::F32);
        self.log.gather(&ids, &mut values)?;
        assert_eq!(values.len() as u64, TRAINING_SET);
        self.triggers += 1;
        Ok([committed, begun.elapsed()].map(|time| time.as_secs_f64() * 1e3))
    }

    fn newest(&self) -> TrainingSet {
        let at = |offset: u64| Position::new(offset as i64, Id::new(0, 0, offset));
        let row = |i: u64| {
            let back = (i * 7919 + self.triggers) % MILLION.min(self.samples);
            let position = at(self.samples - 1 - back);
            Candidate { position, label: 0, weight: 1.0, rank: 0 }
        };
        let mut rows: Vec<Candidate> = (0..TRAINING_SET).map(row).collect();
        rows.sort_unstable_by_key(|row| row.position);
        let reason = Reason::plain("amount", "");
        let decision = Decision {
            trigger: self.triggers,
            position: at(self.samples - 1),
            cut: Cut::After,
            decisions_before: 0,
            reason,
        };
        TrainingSet {
            decision,
            candidates: self.samples,
            rows,
            round: 0,
            memory: None,
            checkpoints: Vec::new(),
            seconds: 0.0,
        }
    }
}

/// A job over a stream of small samples, as a program.
struct Job {
    state: std::path::PathBuf,
    child: Child,
}

impl Job {
    fn start(folder: &Path, length: u64, every: u64) -> Result<Self> {
        let file = folder.join("scale.toml");
        let text = format!(
            "name = \"scale\"
            source.generator.stream.sea = {{ length = {length}, step_ms = 10 }}
            trigger.amount.every = {every}
            selection.new_data.limit = 1000
            model.mlp = {{ hidden = [4], classes = 2 }}
            training.start = \"finetune\"
            training.optimizer.sgd = {{ learning_rate = 1e-2 }}"
        );
        fs::write(&file, text)?;
        let state = folder.join("state");
        let mut command = Command::new(env!("CARGO_BIN_EXE_driftmill"));
        command.arg("run").arg(&file).arg("--state").arg(&state);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        Ok(Self { state, child })
    }

    /// The approximate number of samples in its log.
    fn samples(&self) -> u64 {
        let files = fs::read_dir(self.state.join("log")).into_iter().flatten().flatten();
        let indexes = files.filter(|file| file.path().extension().is_some_and(|e| e == "index"));
        indexes.filter_map(|file| Some(file.metadata().ok()?.len() / 64)).sum::<u64>() * PER_POLL
    }

    /// Bytes of its private memory. Mapped pages of the log belong to the system.
    fn memory(&self) -> u64 {
        let text = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let text = text.unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap_or("0 kB");
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) * 1024
    }

    fn decisions(&self) -> i64 {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let catalog = Connection::open_with_flags(self.state.join("catalog.sqlite"), flags);
        let query = "SELECT count(*) FROM decisions";
        catalog.and_then(|open| open.query_row(query, [], |row| row.get(0))).unwrap_or(0)
    }

    fn wait_for(&mut self, done: impl Fn(&Self) -> bool) -> Result<Duration> {
        let begun = Instant::now();
        while !done(self) {
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("the job ended: {status}").into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(begun.elapsed())
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        drop((self.child.kill(), self.child.wait()));
    }
}

fn memory(samples: u64) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut job = Job::start(folder.path(), 10 * samples, 1 << 60)?;
    job.wait_for(|job| job.samples() >= MILLION)?;
    let few = (job.samples(), job.memory());
    let took = job.wait_for(|job| job.samples() >= samples)?;
    let many = (job.samples(), job.memory());
    let bytes = many.1.saturating_sub(few.1) as f64 / (many.0 - few.0) as f64;
    println!("memory of the index       {bytes:6.2} bytes a sample (goal 64)");
    let rate = (many.0 - few.0) as f64 / took.as_secs_f64() / 1e6;
    println!("                          {rate:6.2} M samples/s through source, log and order");
    Ok(())
}

fn triggers(samples: u64) -> Result<()> {
    let mut runs = [Run::with(MILLION)?, Run::with(samples)?];
    let mut took: [Vec<[f64; 2]>; 2] = Default::default();
    for _ in 0..TRIGGERS {
        for (run, took) in runs.iter_mut().zip(&mut took) {
            took.push(run.trigger()?);
        }
    }
    let quantile = |run: usize, part: usize, share: f64| {
        let mut times: Vec<f64> = took[run].iter().map(|took| took[part]).collect();
        times.sort_by(f64::total_cmp);
        times[(share * (times.len() - 1) as f64) as usize]
    };
    let [few, many] = [0, 1].map(|run| quantile(run, 1, 0.5));
    println!(
        "a trigger                 {many:6.2} ms, {:.2} × that with 1 M (goal 1.2)",
        many / few
    );
    let [half, most] = [0.5, 0.99].map(|share| quantile(1, 0, share));
    println!("  of it the commit        {half:6.2} ms, p99 {most:.2} ms (goal 20)");
    Ok(())
}

fn restart(samples: u64) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let start = || Job::start(folder.path(), 100 * samples, samples / 50);
    let mut job = start()?;
    job.wait_for(|job| job.samples() >= samples)?;
    drop(job);
    let mut job = start()?;
    let before = job.decisions();
    let took = job.wait_for(|job| job.decisions() > before)?.as_secs_f64();
    println!("restart to a new decision {took:6.2} s with {} samples (goal 10)", job.samples());
    Ok(())
}

fn main() -> Result<()> {
    let asked = std::env::args().find_map(|argument| argument.parse().ok());
    let samples = asked.unwrap_or(50) * MILLION;
    println!("{} million samples", samples / MILLION);
    memory(samples)?;
    triggers(samples)?;
    restart(samples / 5)
}
