//! Runs of pipelines, inside the test's process or as a separate program.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use crate::wait::{self, LIMIT, OutputInTime, wait_for};
use driftmill::config::{Pipeline, load};
use driftmill::job::{Interrupt, Options, run};
use driftmill::report::Summary;

/// The pipeline in `text`.
pub(crate) fn pipeline(text: &str) -> Pipeline {
    load("test.toml", text, &[]).unwrap_or_else(|error| panic!("{error}"))
}

/// Runs a pipeline to its end in a separate state directory.
pub(crate) fn run_to_end(
    pipeline: &Pipeline,
    workers: usize,
    poll: usize,
) -> (Summary, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let state = Some(PathBuf::from(folder.path()).join("state"));
    let options = Options { workers, state, poll, ..Options::default() };
    let ended = run(pipeline.clone(), &options, &Interrupt::default());
    (ended.unwrap_or_else(|error| panic!("{error:?}")).summary, folder)
}

/// The part of a summary that is a function of the stream and the pipeline alone.
pub(crate) fn decided(summary: &Summary) -> serde_json::Value {
    decided_of(serde_json::to_value(summary).unwrap())
}

/// The same part of a printed summary.
pub(crate) fn decided_of(mut value: serde_json::Value) -> serde_json::Value {
    let forget = |value: &mut serde_json::Value, keys: &[&str]| {
        keys.iter().for_each(|key| drop(value.as_object_mut().unwrap().remove(*key)));
    };
    forget(&mut value, &["run", "state", "seconds", "outages"]);
    let versions = |value: &mut serde_json::Value| {
        for version in value["versions"].as_array_mut().unwrap() {
            forget(version, &["training_seconds"]);
        }
    };
    versions(&mut value);
    if let Some(compared) = value.get_mut("compare").and_then(|value| value.as_object_mut()) {
        compared.values_mut().for_each(versions);
    }
    value
}

/// The part of a decided summary that is the same on all models of processors: without digests of weights,
/// and with numbers to three decimals.
pub(crate) fn on_any_processor(mut value: serde_json::Value) -> serde_json::Value {
    match &mut value {
        serde_json::Value::Object(map) => {
            map.remove("sha256");
            map.values_mut().for_each(|value| *value = on_any_processor(value.take()));
        }
        serde_json::Value::Array(items) => {
            items.iter_mut().for_each(|item| *item = on_any_processor(item.take()));
        }
        serde_json::Value::Number(number) if number.is_f64() => {
            let rounded = number.as_f64().map(|number| (number * 1e3).round() / 1e3);
            value = rounded.into();
        }
        _ => {}
    }
    value
}

/// The output of `command` for a state directory.
pub(crate) fn driftmill(command: &str, state: &Path, arguments: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_driftmill"));
    program.arg(command).arg(state).args(arguments).output_in_time()
}

/// The output of the program for these arguments.
pub(crate) fn printed(arguments: &[&str]) -> String {
    let mut program = Command::new(env!("CARGO_BIN_EXE_driftmill"));
    String::from_utf8(program.args(arguments).output_in_time().stdout).unwrap()
}

/// The program on one pipeline file, with a separate state directory.
pub(crate) struct Program {
    pub(crate) folder: tempfile::TempDir,
    child: Child,
}

/// The result of a program that ended.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    /// The JSON object that it printed; null if there is none.
    pub(crate) summary: serde_json::Value,
    pub(crate) said: String,
    pub(crate) out: String,
    pub(crate) folder: tempfile::TempDir,
}

impl Program {
    /// Starts `driftmill run --json` on the pipeline in `text`.
    pub(crate) fn start(text: &str) -> Self {
        Self::start_with(text, &[])
    }

    /// Starts it with more arguments.
    pub(crate) fn start_with(text: &str, arguments: &[&str]) -> Self {
        Self::start_in(text, arguments, &[])
    }

    /// Starts it with more arguments and with these environment variables.
    pub(crate) fn start_in(text: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::start_at(tempfile::tempdir().unwrap(), text, arguments, environment)
    }

    /// Starts it in a folder in which it may have run before.
    pub(crate) fn start_at(
        folder: tempfile::TempDir,
        text: &str,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        let file = folder.path().join("p.toml");
        std::fs::write(&file, text).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_driftmill"))
            .arg("run")
            .args([&file, Path::new("--json"), Path::new("--state"), &folder.path().join("state")])
            .args(arguments)
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self { folder, child }
    }

    /// The program's state directory.
    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// The id of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it is still running.
    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for a file in its state directory.
    pub(crate) fn wait_for(&mut self, file: &str) {
        let path = self.folder.path().join("state").join(file);
        wait_for(file, LIMIT, || {
            if !path.exists() && !self.runs() {
                let mut said = String::new();
                let output =
                    self.child.stderr.as_mut().map(|stderr| stderr.read_to_string(&mut said));
                assert!(path.exists(), "it ended without {file}: {said} {output:?}");
            }
            path.exists()
        });
    }

    /// The maximum of its private memory until it ended, in bytes. Mapped pages of the log belong to the
    /// system, which can reclaim them at any time.
    pub(crate) fn most_memory(&mut self) -> u64 {
        let status = format!("/proc/{}/status", self.id());
        let mut most = 0;
        wait_for("the end of the job", LIMIT, || {
            let text = std::fs::read_to_string(&status).unwrap_or_default();
            let own = text.lines().find_map(|line| line.strip_prefix("RssAnon:"));
            let kilobytes = own.unwrap_or("0 kB").trim().trim_end_matches(" kB");
            most = most.max(kilobytes.parse::<u64>().unwrap() * 1024);
            !self.runs()
        });
        most
    }

    /// Sends SIGINT, as Ctrl-C does.
    pub(crate) fn interrupt(&self) {
        let id = self.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    }

    /// Sends SIGTERM, as service managers do.
    pub(crate) fn terminate(&self) {
        let id = self.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }

    /// Waits for its end. Kills it if it does not end.
    pub(crate) fn end(self) -> Ran {
        let Output { status, stdout, stderr } = wait::output("the job", self.child, LIMIT);
        Ran {
            code: status.code(),
            summary: serde_json::from_slice(&stdout).unwrap_or_default(),
            said: String::from_utf8_lossy(&stderr).into_owned(),
            out: String::from_utf8_lossy(&stdout).into_owned(),
            folder: self.folder,
        }
    }
}

/// Runs the program to its end.
pub(crate) fn run_program(text: &str) -> Ran {
    Program::start(text).end()
}

impl Ran {
    /// Checks that the run reached the end of its stream.
    pub(crate) fn assert_done(&self) {
        assert_eq!(self.code, Some(0), "{}", self.said);
        assert_eq!(self.summary["complete"], true, "{}", self.summary);
    }

    /// The training set of a version. For each partition: the first offset, the offset after the last, and
    /// the number of samples.
    pub(crate) fn trained_on(&self, version: u64) -> Vec<(u64, u64, u64)> {
        let file = self.folder.path().join(format!("state/models/{version}/version.json"));
        let text = std::fs::read(file).unwrap_or_else(|_| panic!("{}", self.summary));
        let version: serde_json::Value = serde_json::from_slice(&text).unwrap();
        let number = |range: &serde_json::Value, key: &str| range[key].as_u64().unwrap();
        let ranges = version["data"]["partitions"].as_array().unwrap();
        ranges
            .iter()
            .map(|range| (number(range, "from"), number(range, "to"), number(range, "samples")))
            .collect()
    }

    /// The dead letters, in the order in which they were written.
    pub(crate) fn dead_letters(&self) -> Vec<serde_json::Value> {
        let file = self.folder.path().join("state/dead-letters.jsonl");
        let text = std::fs::read_to_string(file).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}
