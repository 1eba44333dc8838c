//! The `replay-dead-letters` command.

use std::path::{Path, PathBuf};

use clap::Args;

use super::arguments::File;
use super::error::Usage;
use super::output::print;
use crate::dead_letters::{DeadLetters, Replay, from_file, from_topic};
use crate::source::SourceTable;

#[derive(Debug, Args)]
pub(super) struct ReplayDeadLetters {
    /// The pipeline whose Kafka source rejected the messages, and whose `[dead_letters]` contains them
    #[command(flatten)]
    file: File,
    /// State directory of the run, if its dead letters are in the default file
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Send only messages whose error is of this class, such as `--error malformed`; repeatable
    #[arg(long = "error", value_name = "CLASS")]
    classes: Vec<String>,
    /// File that records which messages were sent [default: .driftmill/NAME/replayed]
    #[arg(long, value_name = "PATH")]
    memory: Option<PathBuf>,
    /// Count the messages and send nothing
    #[arg(long)]
    dry_run: bool,
}

impl ReplayDeadLetters {
    pub(super) fn execute(self) -> anyhow::Result<u8> {
        let pipeline = self.file.load()?;
        let SourceTable::kafka(source) = &pipeline.source else {
            let text = "dead letters are sent to a Kafka source, but this pipeline has none";
            return Err(Usage(text.into()).into());
        };
        let dead_letters = match (&pipeline.dead_letters.topic, &pipeline.dead_letters.file) {
            (Some(topic), _) => from_topic(&pipeline.dead_letters, topic)?,
            (None, Some(file)) => from_file(file)?,
            (None, None) => {
                let text = "name the state directory of the run with --state DIR: it contains the \
                            dead letters";
                let state = self.state.as_ref().ok_or_else(|| Usage(text.into()))?;
                from_file(&DeadLetters::default_file(state))?
            }
        };
        let default = || Path::new(".driftmill").join(&pipeline.name).join("replayed");
        let replay = Replay {
            client: source.producer()?,
            classes: self.classes,
            memory: self.memory.unwrap_or_else(default),
            dry: self.dry_run,
        };
        let counts = replay.send(&dead_letters)?;
        print(&format!(
            "{} {}, {} sent before, {} of other classes, {} without their bytes; recorded in `{}`",
            counts.sent,
            if replay.dry { "to be sent" } else { "sent" },
            counts.before,
            counts.others,
            counts.omitted,
            replay.memory.display()
        ))
    }
}
