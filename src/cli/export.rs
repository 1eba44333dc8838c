//! The `export` command: writes samples to a Parquet file.

use std::path::PathBuf;

use clap::Args;

use super::arguments::{branch, time};
use super::output::print;
use crate::history::{ExportSelection, History};

#[derive(Debug, Args)]
pub(super) struct Export {
    /// State directory of a run, which may be running
    #[arg(value_name = "DIR")]
    state: PathBuf,
    /// The Parquet file to write
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    samples: Samples,
    /// With --trigger: a decision of this comparison
    #[arg(long, value_name = "NAME", requires = "trigger")]
    compare: Option<String>,
    /// With --trigger: a training of irreducible-loss model N, from 1, of the pipeline or of that comparison
    #[arg(long, value_name = "N", requires = "trigger")]
    irreducible: Option<usize>,
    /// With --trigger: export the whole training set, including samples that were not trained on
    #[arg(long, requires = "trigger")]
    candidates: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct Samples {
    /// Export all samples; of keyed topics those that were not replaced or deleted
    #[arg(long, conflicts_with = "trigger")]
    all: bool,
    /// Export the samples that the training of this decision trained on, with weights
    #[arg(long, value_name = "N")]
    trigger: Option<u64>,
    /// Export samples from this event time on, such as 1996-05-07 or 1996-05-07T02:00:00Z, or milliseconds
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<i64>,
    /// Export samples before this event time
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<i64>,
}

impl Export {
    pub(super) fn execute(self) -> anyhow::Result<u8> {
        let Samples { all: _, trigger, from, to } = self.samples;
        let branch = branch(self.compare, self.irreducible);
        let trained = trigger.map(|trigger| (branch, trigger));
        let wanted = ExportSelection { trained, candidates: self.candidates, from, to };
        let history = History::open(&self.state)?;
        let rows = history.export(&wanted, &self.file)?;
        if let Some((branch, trigger)) = &wanted.trained
            && let removed @ 1.. = history.expired_of(branch, *trigger)?
        {
            tracing::warn!(
                "the features of {removed} samples of the training set are no longer in the log"
            );
        }
        print(&format!("{rows} samples in `{}`", self.file.display()))
    }
}
