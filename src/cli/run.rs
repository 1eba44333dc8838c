use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::{File, print};
use crate::job::{self, End, Interrupt, Options, Others};
use crate::report::render;

const INTERRUPTED: u8 = 130;

#[derive(Debug, Args)]
pub(super) struct Run {
    #[command(flatten)]
    file: File,
    /// Number of workers; has no influence on what is decided
    #[arg(long, default_value = "1", value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: u16,
    /// State directory of the run; a run that is there goes on [default: .driftmill/NAME]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Begin a new run, beside those that are there and what they published
    #[arg(long, conflicts_with = "adopt")]
    fresh: bool,
    /// In a new run, make the versions again that another run published under this name, compare
    /// their digests, and publish what is missing
    #[arg(long)]
    adopt: bool,
    /// Most messages of a partition in one poll; has no influence on what is decided
    #[arg(long, default_value = "1024", hide = true)]
    poll: NonZeroUsize,
    /// End with one JSON object on stdout
    #[arg(long)]
    json: bool,
}

impl Run {
    pub(super) fn execute(self) -> anyhow::Result<u8> {
        let pipeline = self.file.load()?;
        let name = pipeline.name.clone();
        let interrupt = interruptible()?;
        let options = Options {
            workers: usize::from(self.workers),
            state: self.state,
            poll: self.poll.get(),
            progress: true,
            others: match (self.fresh, self.adopt) {
                (true, _) => Others::Ignore,
                (_, true) => Others::Adopt,
                _ => Others::Refuse,
            },
            sync: true,
        };
        let ended = job::run(pipeline, &options, &interrupt)?;
        if self.json {
            print(&serde_json::to_string(&ended.summary)?)?;
        } else {
            print(&render(&name, &ended.summary))?;
        }
        Ok(match ended.end {
            End::Interrupted => INTERRUPTED,
            End::Complete | End::Stopped => 0,
        })
    }
}

/// The first signal asks the job to end, SIGTERM more gently than Ctrl-C; one it does not hear, or a
/// second one, ends the process.
fn interruptible() -> anyhow::Result<Arc<Interrupt>> {
    let interrupt = Arc::new(Interrupt::default());
    let request = Arc::clone(&interrupt);
    let mut signals = Signals::new([SIGINT, SIGTERM]).context("listening for signals")?;
    std::thread::spawn(move || {
        for signal in &mut signals {
            if !request.request(signal == SIGTERM) {
                std::process::exit(128 + signal);
            }
            tracing::warn!("stopping; once more ends at once");
        }
    });
    Ok(interrupt)
}
