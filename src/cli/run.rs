//! The `run` command.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::arguments::File;
use super::error::{INTERRUPTED, Unreadable, Usage};
use super::output::print;
use crate::cluster::Cluster;
use crate::job::{self, End, Interrupt, Options, Others};
use crate::report::render;

/// The port of process 0 if no hosts are named.
const FIRST_PORT: usize = 2101;

#[derive(Debug, Args)]
pub(super) struct Run {
    #[command(flatten)]
    file: File,
    /// Number of workers in each process; does not affect decisions
    #[arg(long, default_value = "1", value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: u16,
    /// Number of processes that run the pipeline together on one shared state directory; does not
    /// affect decisions
    #[arg(long, default_value = "1", value_parser = clap::value_parser!(u16).range(1..=256))]
    processes: u16,
    /// Number of this process, from 0; process 0 prints the summary
    #[arg(long, value_name = "I", default_value = "0", requires = "processes")]
    process: usize,
    /// File with the addresses of the processes, one `host:port` per line [default: localhost:2101,
    /// localhost:2102, …]
    #[arg(long, value_name = "FILE", requires = "processes")]
    hosts: Option<PathBuf>,
    /// State directory of the run; an existing run is resumed [default: .driftmill/NAME]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Create a new run next to existing ones and their published versions
    #[arg(long, conflicts_with = "adopt")]
    fresh: bool,
    /// In a new run, make the versions again that another run published under this name, compare
    /// their digests, and publish the missing ones
    #[arg(long)]
    adopt: bool,
    /// Maximum number of messages of a partition in one poll; does not affect decisions
    #[arg(long, default_value = "1024", hide = true)]
    poll: NonZeroUsize,
    /// End with one JSON object on stdout
    #[arg(long)]
    json: bool,
    /// List all decisions at the end, not only the last 40, or with --json the last 1000
    #[arg(long)]
    all: bool,
}

impl Run {
    pub(super) fn execute(self) -> anyhow::Result<u8> {
        let pipeline = self.file.load()?;
        let name = pipeline.name.clone();
        let interrupt = interruptible()?;
        let options = Options {
            workers: usize::from(self.workers),
            cluster: self.cluster()?,
            state: self.state,
            poll: self.poll.get(),
            progress: true,
            others: match (self.fresh, self.adopt) {
                (true, _) => Others::Ignore,
                (_, true) => Others::Adopt,
                _ => Others::Refuse,
            },
            all: self.all,
            ..Options::default()
        };
        if options.cluster.process > 0 {
            return job::follow(pipeline, &options, &interrupt).map(code);
        }
        let ended = job::run(pipeline, &options, &interrupt)?;
        if self.json {
            print(&serde_json::to_string(&ended.summary)?)?;
        } else {
            print(&render(&name, &ended.summary, self.all))?;
        }
        match ended.no_samples {
            Some(no_samples) => Err(no_samples.into()),
            None => Ok(code(ended.end)),
        }
    }

    fn cluster(&self) -> anyhow::Result<Cluster> {
        let (count, process) = (usize::from(self.processes), self.process);
        if process >= count {
            let text =
                format!("there is no process {process} of {count}: they are numbered from 0");
            return Err(Usage(text).into());
        }
        let Some(file) = &self.hosts else {
            let addresses = (0..count).map(|process| format!("localhost:{}", FIRST_PORT + process));
            return Ok(Cluster { addresses: addresses.collect(), process });
        };
        let name = file.display().to_string();
        let text = std::fs::read_to_string(file)
            .map_err(|source| Unreadable { file: name.clone(), source })?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let addresses: Vec<String> = lines.map(str::to_owned).collect();
        if let Some(problem) = wrong_hosts(&addresses, count) {
            return Err(Usage(format!("`{name}`: {problem}")).into());
        }
        Ok(Cluster { addresses, process })
    }
}

/// The problem of the addresses of `count` processes.
fn wrong_hosts(addresses: &[String], count: usize) -> Option<String> {
    if addresses.len() != count {
        return Some(format!("{} lines for {count} processes", addresses.len()));
    }
    let is_address = |address: &str| {
        let parts = address.rsplit_once(':');
        parts.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
    };
    if let Some(wrong) = addresses.iter().find(|address| !is_address(address)) {
        return Some(format!("wanted `host:port` in each line, as in `node7:2101`, not `{wrong}`"));
    }
    let double = (1..count).find(|at| addresses[..*at].contains(&addresses[*at]))?;
    Some(format!("`{}` is listed twice: each process needs its own address", addresses[double]))
}

fn code(end: End) -> u8 {
    match end {
        End::Interrupted => INTERRUPTED,
        End::Complete | End::Stopped => 0,
    }
}

/// Handles signals. The first one asks the job to end; SIGTERM is more gentle than Ctrl-C. A second signal
/// ends the process. So does a signal before the job handles them: nothing has begun yet, and a service
/// that is stopped then has ended without an error.
pub(super) fn interruptible() -> anyhow::Result<Arc<Interrupt>> {
    let interrupt = Arc::new(Interrupt::default());
    let request = Arc::clone(&interrupt);
    let mut signals = Signals::new([SIGINT, SIGTERM]).context("listening for signals")?;
    std::thread::spawn(move || {
        for signal in &mut signals {
            let (gently, again) = (signal == SIGTERM, request.requested());
            if !request.request(gently) {
                std::process::exit(if gently && !again { 0 } else { 128 + signal });
            }
            tracing::warn!("stopping; a second signal ends at once");
        }
    });
    Ok(interrupt)
}
