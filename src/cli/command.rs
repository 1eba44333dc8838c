//! The commands.

use clap::{Parser, Subcommand};

use super::output::print;
use super::{
    calibrate, check, components, decisions, export, gc, generate, graph, lineage, models, replay,
    run, training_set, verify,
};
use crate::config::Pipeline;

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
files (`verify`), or a message or training that ends the job, 69 broker or file not reachable, 70 internal error (a bug), \
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
    /// The error of the command. [`exit_code`](super::exit_code) returns its exit code.
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
