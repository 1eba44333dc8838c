//! Waiting with a time limit. The error names the missing event.

use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The limit of a wait, unless the test measures its duration.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);

/// Waits until `condition` holds.
pub(crate) fn wait_for(what: &str, limit: Duration, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < limit, "waited {limit:?} in vain for {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Waits for the end of a child process. Kills it and shows its output if it does not end.
pub(crate) fn output(what: &str, mut child: Child, limit: Duration) -> Output {
    let begun = Instant::now();
    // a child that fills a pipe would wait for us, so read both pipes while it runs.
    let mut pipes = (child.stdout.take(), child.stderr.take());
    let read = |pipe: Option<Box<dyn std::io::Read + Send>>| {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
            bytes
        })
    };
    let stdout = read(pipes.0.take().map(|pipe| Box::new(pipe) as _));
    let stderr = read(pipes.1.take().map(|pipe| Box::new(pipe) as _));
    let ended = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break Some(status);
        }
        if begun.elapsed() > limit {
            child.kill().unwrap();
            child.wait().unwrap();
            break None;
        }
        thread::sleep(Duration::from_millis(2));
    };
    let (stdout, stderr) = (stdout.join().unwrap(), stderr.join().unwrap());
    let Some(status) = ended else {
        let said = String::from_utf8_lossy(&stderr);
        panic!("waited {limit:?} in vain for the end of {what}: {said}");
    };
    Output { status, stdout, stderr }
}

/// Runs a program to its end, within the limit.
pub(crate) trait OutputInTime {
    /// The output of a program that ends in time.
    fn output_in_time(&mut self) -> Output;
}

impl OutputInTime for Command {
    fn output_in_time(&mut self) -> Output {
        self.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let what = format!("{self:?}");
        output(&what, self.spawn().unwrap(), LIMIT)
    }
}
