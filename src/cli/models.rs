//! The `models` command: lists the versions of a run.

use std::path::PathBuf;

use clap::Args;

use super::arguments::{Last, branch};
use super::error::Usage;
use super::output::print;
use crate::catalog::{ModelStore, Version};
use crate::report::{align_right, fine, moment, plain_table};

#[derive(Debug, Args)]
pub(super) struct Models {
    /// State directory of a run
    #[arg(value_name = "DIR")]
    state: PathBuf,
    /// Show this version in full
    #[arg(value_name = "VERSION")]
    version: Option<u64>,
    /// Show the versions of a comparison
    #[arg(long, value_name = "NAME")]
    compare: Option<String>,
    /// Show the versions of irreducible-loss model N, from 1, of the pipeline or of that comparison
    #[arg(long, value_name = "N")]
    irreducible: Option<usize>,
    #[command(flatten)]
    last: Last,
    /// Answer with JSON on stdout
    #[arg(long)]
    json: bool,
}

impl Models {
    pub(super) fn execute(self) -> anyhow::Result<u8> {
        let branch = branch(self.compare, self.irreducible);
        let store = ModelStore::of(&self.state, &branch);
        if !self.state.join("catalog.sqlite").exists() {
            let text = format!("`{}` is not the state directory of a run", self.state.display());
            return Err(Usage(text).into());
        }
        if !store.folder().exists() && !branch.is_empty() {
            let text = format!(
                "the run in `{}` has no versions of `{}`",
                self.state.display(),
                branch.trim_start_matches('/')
            );
            return Err(Usage(text).into());
        }
        let numbers = store.numbers()?;
        if let Some(wanted) = self.version {
            if !numbers.contains(&wanted) {
                return Err(Usage(missing(wanted, &numbers)).into());
            }
            return print(&serde_json::to_string_pretty(&store.get(wanted)?)?);
        }
        let earlier = numbers.len() - self.last.of(numbers.len());
        let versions = numbers[earlier..].iter().map(|number| store.get(*number));
        let versions = versions.collect::<Result<Vec<Version>, _>>()?;
        if self.json {
            return print(&serde_json::to_string(&versions)?);
        }
        print(&if versions.is_empty() {
            "no versions".to_owned()
        } else {
            format!("{}{}", self.last.left_out(earlier), table(&versions, &store))
        })
    }
}

fn missing(wanted: u64, numbers: &[u64]) -> String {
    match (numbers.first(), numbers.last()) {
        (Some(first), Some(last)) => format!("no version {wanted}: there are {first} to {last}"),
        _ => format!("no version {wanted}: there are none"),
    }
}

fn table(versions: &[Version], store: &ModelStore) -> String {
    let mut table =
        plain_table(["version", "trigger", "trained at", "why", "samples", "loss", "sha256"]);
    let fine = fine(versions.iter().map(|version| version.trigger.position.time));
    for version in versions {
        table.add_row([
            version.version.to_string(),
            version.trigger.id.to_string(),
            moment(version.trigger.position.time, fine),
            version.trigger.reason.text.clone(),
            version.data.samples.to_string(),
            version.losses.last().map_or("–".into(), |loss| format!("{loss:.3}")),
            match store.bytes_of(version.version) {
                Some(_) => version.artifact.sha256.chars().take(12).collect(),
                None => "weights removed".to_owned(),
            },
        ]);
    }
    align_right(&mut table, &[0, 1, 4, 5]);
    table.to_string().lines().map(|line| format!("{}\n", line.trim_end())).collect()
}
