//! The command line.

mod calibrate;
mod check;
mod components;
mod decisions;
mod error;
mod export;
mod gc;
mod generate;
mod graph;
mod lineage;
mod models;
mod replay;
mod run;
mod training_set;
mod verify;

pub use error::exit_code;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use comfy_table::Table;
use driftmill_datasets::Timestamp;

use crate::catalog::irreducible_key;
use crate::config::{Override, Pipeline, load};

/// The name of a branch in the catalog: the pipeline's own policies, a comparison, or an irreducible-loss
/// model of one of them.
fn branch(compare: Option<String>, irreducible: Option<usize>) -> String {
    let branch = compare.unwrap_or_default();
    irreducible.map_or_else(|| branch.clone(), |number| irreducible_key(&branch, number))
}

/// A count as words: `once`, `2 times`.
fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

/// Turns a stream of training samples into a stream of model versions.
#[derive(Debug, Parser)]
#[command(version, about, after_help = AFTER)]
pub struct Cli {
    /// The command
    #[command(subcommand)]
    command: Command,
}

const AFTER: &str = "\
Results go to stdout, everything else to stderr. Exit codes: 0 done, 64 usage error, 65 damaged \
files (`verify`) or a message that ends the job, 69 broker or file not reachable, 70 internal error (a bug), \
74 the disk is full, 75 another process was lost (start all again), 78 invalid pipeline file, 130 \
interrupted.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a pipeline
    Run(run::Run),
    /// Report all problems of a pipeline file
    Check(check::Check),
    /// Propose thresholds for a rate of false alarms, from a stable stretch of the stream
    Calibrate(calibrate::Calibrate),
    /// Show a pipeline's dataflow, as text or for Graphviz
    Graph(graph::Graph),
    /// List everything that a pipeline file can contain
    Components(components::Components),
    /// Print a JSON schema of pipeline files, for editors
    Schema,
    /// Write a generator's or file's samples to a Kafka topic or a Parquet file
    Generate(generate::Generate),
    /// Send dead letters to their topic again
    ReplayDeadLetters(replay::ReplayDeadLetters),
    /// List the model versions of a run, or show one
    Models(models::Models),
    /// List decisions and trigger evaluations as a table or JSON, or plot them
    Decisions(decisions::Decisions),
    /// Show which versions were trained on a sample, or on which samples a version was trained
    Lineage(lineage::Lineage),
    /// List the samples of a training set, or draw them into an image
    TrainingSet(training_set::TrainingSetCommand),
    /// Write samples of a run to a Parquet file
    Export(export::Export),
    /// Apply retention: remove old segments of the log, weights of old versions and old trigger evaluations
    Gc(gc::Gc),
    /// Check all files of a run for damage
    Verify(verify::Verify),
}

impl Cli {
    /// Executes the command and returns the exit code.
    ///
    /// # Errors
    /// The error of the command. [`exit_code`] returns its exit code.
    pub fn execute(self) -> anyhow::Result<u8> {
        match self.command {
            Command::Run(run) => run.execute(),
            Command::Check(check) => check.execute(),
            Command::Calibrate(calibrate) => calibrate.execute(),
            Command::Graph(graph) => graph.execute(),
            Command::Components(policies) => policies.execute(),
            Command::Schema => {
                let mut schema = schemars::schema_for!(Pipeline).to_value();
                components::without_code(&mut schema);
                print(&serde_json::to_string_pretty(&schema)?)
            }
            Command::Generate(generate) => generate.execute(),
            Command::ReplayDeadLetters(replay) => replay.execute(),
            Command::Models(models) => models.execute(),
            Command::Decisions(decisions) => decisions.execute(),
            Command::Lineage(lineage) => lineage.execute(),
            Command::TrainingSet(training_set) => training_set.execute(),
            Command::Export(export) => export.execute(),
            Command::Gc(gc) => gc.execute(),
            Command::Verify(verify) => verify.execute(),
        }
    }
}

/// A pipeline file and the changes to it on the command line.
#[derive(Debug, Args)]
struct File {
    /// The pipeline file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Set a key of the pipeline file, such as `--set source.kafka.brokers=host:9092`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<Override>,
}

impl File {
    fn load(&self) -> anyhow::Result<Pipeline> {
        let name = self.file.display().to_string();
        let text = std::fs::read_to_string(&self.file)
            .map_err(|source| error::Unreadable { file: name.clone(), source })?;
        Ok(load(&name, &text, &self.overrides)?)
    }
}

/// Parses a time into milliseconds since 1970.
fn time(text: &str) -> Result<i64, String> {
    if let Ok(millis) = text.parse() {
        return Ok(millis);
    }
    text.parse::<Timestamp>().map(Timestamp::millis).map_err(|error| error.to_string())
}

/// Writes a result to stdout.
fn print(text: &str) -> anyhow::Result<u8> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{}", text.trim_end_matches('\n')) {
        // the reader has closed the pipe.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(0),
        written => Ok(written.map(|()| 0)?),
    }
}

/// The lines of a table, without trailing spaces.
fn lines(table: &Table) -> String {
    table.to_string().lines().map(|line| format!("{}\n", line.trim_end())).collect()
}
