//! Several processes on one state directory, as a user starts them.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::results::RunResult;

/// Processes that run a pipeline together.
pub(crate) struct Processes {
    pub(crate) children: Vec<Child>,
}

/// Number of processes, and number of workers of each.
pub(crate) type Size = (usize, usize);

impl Processes {
    /// Starts all processes.
    pub(crate) fn start(pipeline: &Path, state: &Path, size: Size) -> Self {
        Self::start_with(pipeline, state, size, |_, _| {})
    }

    /// Starts all processes, after `prepare` has changed the command of each.
    pub(crate) fn start_with(
        pipeline: &Path,
        state: &Path,
        size: Size,
        prepare: impl Fn(usize, &mut Command),
    ) -> Self {
        let (hosts, _) = hosts(state, size.0);
        let start = |process| {
            let mut run = command(pipeline, state, size, process, &hosts);
            prepare(process, &mut run);
            run.spawn().unwrap()
        };
        Self { children: (0..size.0).map(start).collect() }
    }

    /// Sends a signal, such as `-TERM`, to one of them.
    pub(crate) fn signal(&self, process: usize, signal: &str) {
        let id = self.children[process].id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// Waits for the end of one of them, and kills the others.
    pub(crate) fn end_first(mut self, process: usize, time: Duration) -> Vec<Output> {
        let begun = Instant::now();
        while self.children[process].try_wait().unwrap().is_none() {
            assert!(begun.elapsed() < time, "process {process} does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
        self.children.iter_mut().for_each(|child| drop(child.kill()));
        let ends = self.children.into_iter().map(|child| child.wait_with_output().unwrap());
        ends.collect()
    }

    /// Kills one of them.
    pub(crate) fn kill(&mut self, process: usize) {
        self.children[process].kill().unwrap();
    }

    /// Waits for the ends of all.
    pub(crate) fn end(self, time: Duration) -> Vec<Output> {
        let (running, ends) = self.end_or_kill(time);
        let said = || ends.iter().map(said).collect::<Vec<_>>();
        assert!(!running.contains(&true), "they do not end: {running:?} {:?}", said());
        ends
    }

    /// Waits for the ends of all processes. Kills those that do not end, and reports which.
    pub(crate) fn end_or_kill(mut self, time: Duration) -> (Vec<bool>, Vec<Output>) {
        let begun = Instant::now();
        let runs = |child: &mut Child| child.try_wait().unwrap().is_none();
        while self.children.iter_mut().any(runs) && begun.elapsed() < time {
            std::thread::sleep(Duration::from_millis(5));
        }
        let running = self.children.iter_mut().map(runs).collect();
        self.children.iter_mut().for_each(|child| drop(child.kill()));
        let ends = self.children.into_iter().map(|child| child.wait_with_output().unwrap());
        (running, ends.collect())
    }

    /// Waits until all processes have reached the end of the stream. Returns the JSON object of process 0.
    pub(crate) fn done(self) -> Vec<u8> {
        let mut ends = self.end(Duration::from_secs(120));
        for end in &ends {
            assert!(end.status.success(), "{:?}", ends.iter().map(said).collect::<Vec<_>>());
        }
        assert!(ends[1..].iter().all(|end| end.stdout.is_empty()));
        ends.swap_remove(0).stdout
    }
}

/// The program as one process of several.
pub(crate) fn command(
    pipeline: &Path,
    state: &Path,
    size: Size,
    process: usize,
    hosts: &Path,
) -> Command {
    let (processes, workers) = size;
    let program = std::env::var("DRIFTMILL_PROGRAM");
    let mut run = Command::new(program.unwrap_or(env!("CARGO_BIN_EXE_driftmill").to_owned()));
    run.arg("run").arg(pipeline).arg("--json").arg("--state").arg(state).arg("--hosts").arg(hosts);
    run.args(["--poll", "200", "--workers", &workers.to_string()]);
    run.args(["--processes", &processes.to_string(), "--process", &process.to_string()]);
    run.stdout(Stdio::piped()).stderr(Stdio::piped());
    run
}

/// Writes a file of free addresses next to the state directory. Returns its path and the addresses.
pub(crate) fn hosts(state: &Path, count: usize) -> (PathBuf, Vec<String>) {
    let taken: Vec<TcpListener> =
        (0..count).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let lines: Vec<String> =
        taken.iter().map(|taken| taken.local_addr().unwrap().to_string()).collect();
    let file = state.with_extension("hosts");
    std::fs::write(&file, lines.join("\n")).unwrap();
    (file, lines)
}

/// The exit code and the messages of a process.
pub(crate) fn said(end: &Output) -> String {
    format!("{:?}: {}", end.status.code(), String::from_utf8_lossy(&end.stderr))
}

/// A folder with a pipeline file, in which runs have names.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    pub(crate) pipeline: PathBuf,
}

impl Place {
    pub(crate) fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let pipeline = folder.path().join("p.toml");
        std::fs::write(&pipeline, text).unwrap();
        Self { folder, pipeline }
    }

    pub(crate) fn state(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The result of the pipeline on processes of this size, and its state directory.
    pub(crate) fn run(&self, size: Size) -> (RunResult, PathBuf) {
        let state = self.state(&format!("{}x{}", size.0, size.1));
        let stdout = Processes::start(&self.pipeline, &state, size).done();
        (RunResult::of(&state, &stdout), state)
    }
}
