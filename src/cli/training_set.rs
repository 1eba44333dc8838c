//! The `training-set` command: shows the samples of a training set.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use driftmill_datasets::Values;
use driftmill_operators::Id;

use super::arguments::branch;
use super::error::Usage;
use super::output::{lines, print, times};
use crate::catalog::{Spread, TrainedSamples};
use crate::history::{History, SetRow, TrainingSet};
use crate::report::{align_right, contact_sheet, fine, moment, plain_table};
use comfy_table::Table;

#[derive(Debug, Args)]
pub(super) struct TrainingSetCommand {
    /// State directory of a run, which may be running
    #[arg(value_name = "DIR")]
    state: PathBuf,
    /// The decision
    #[arg(value_name = "TRIGGER")]
    trigger: u64,
    /// Show a decision of this comparison
    #[arg(long, value_name = "NAME")]
    compare: Option<String>,
    /// Show a training of irreducible-loss model N, from 1, of the pipeline or of that comparison
    #[arg(long, value_name = "N")]
    irreducible: Option<usize>,
    /// Maximum number of samples to list or draw, evenly spread over all [default: 40, of images 640]
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Show the whole training set, including samples that downsampling left out
    #[arg(long)]
    candidates: bool,
    /// Answer with one JSON object on stdout, with all samples
    #[arg(long, conflicts_with = "image")]
    json: bool,
    /// Draw the images into this PNG file, class by class
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,
}

impl TrainingSetCommand {
    pub(super) fn execute(self) -> anyhow::Result<u8> {
        let history = History::open(&self.state)?;
        let branch = branch(self.compare, self.irreducible);
        let mut set = history.set_of(&branch, self.trigger)?;
        if !self.candidates {
            set.rows.retain(|row| row.times != Some(0));
        }
        if self.json {
            return print(&serde_json::to_string(&set)?);
        }
        match &self.image {
            Some(path) => draw(&history, &set, self.limit.unwrap_or(640), path),
            None => print(&text(&set, self.limit.unwrap_or(40))),
        }
    }
}

/// At most `limit` rows, evenly spread over all rows.
fn some(rows: &[SetRow], limit: usize) -> Vec<&SetRow> {
    let count = rows.len().min(limit);
    (0..count).map(|place| &rows[place * rows.len() / count]).collect()
}

fn draw(history: &History, set: &TrainingSet, limit: usize, path: &Path) -> anyhow::Result<u8> {
    let rows = some(&set.rows, limit);
    let ids: Vec<Id> = rows.iter().map(|row| row.id).collect();
    let (schema, values) = history.features_of(&ids)?;
    let Values::U8(bytes) = values else {
        let text = "these samples are not images: their features are not bytes";
        return Err(Usage(text.to_owned()).into());
    };
    let mut classes: BTreeMap<u32, Vec<&[u8]>> = BTreeMap::new();
    for (row, image) in rows.iter().zip(bytes.chunks_exact(schema.width())) {
        classes.entry(row.label).or_default().push(image);
    }
    let names = classes.keys().map(|class| format!("class {class}")).collect::<Vec<_>>();
    let groups: Vec<Vec<&[u8]>> = classes.into_values().collect();
    contact_sheet(&groups, &schema.shape, path)?;
    let (shown, all) = (rows.len(), set.rows.len());
    print(&format!("{}: {shown} of {all} samples, {}", path.display(), names.join(", ")))
}

fn text(set: &TrainingSet, limit: usize) -> String {
    let mut text = format!(
        "trigger {} of {}: {}\n{} of {} candidates, chosen in {:.3} s: {}\nsum of weights {}, SHA-256 of ids {}\n",
        set.trigger,
        set.policy,
        set.reason,
        set.samples,
        set.candidates,
        set.seconds,
        by_class(&set.labels),
        set.weight,
        set.ids_digest
    );
    if let Some(trained_samples) = &set.trained_samples {
        text.push_str(&trained_samples_text(trained_samples));
    }
    let wanted =
        set.trained_samples.as_ref().map_or(set.samples, |trained_samples| trained_samples.samples);
    let lost = wanted.saturating_sub(set.rows.len() as u64);
    if lost > 0 {
        text.push_str(&format!("{lost} of them are no longer in the log\n"));
    }
    let rows = some(&set.rows, limit);
    if !rows.is_empty() {
        text.push_str(&format!("\n{}", lines(&table(&rows))));
    }
    if rows.len() < set.rows.len() {
        let (shown, all) = (rows.len(), set.rows.len());
        text.push_str(&format!("… {shown} of {all}: --limit N or --json shows more\n"));
    }
    text
}

fn by_class(labels: &BTreeMap<u32, u64>) -> String {
    let labels = labels.iter().map(|(class, count)| format!("{count} of class {class}"));
    labels.collect::<Vec<_>>().join(", ")
}

/// The result of downsampling, in three lines.
fn trained_samples_text(trained_samples: &TrainedSamples) -> String {
    if trained_samples.samples == 0 {
        return format!("trained on none of them: {} chose no samples\n", trained_samples.policy);
    }
    let Spread { min, mean, max, effective } = trained_samples.weights;
    format!(
        "trained on {} of them by {}, chosen {} among {} in {:.3} s: {}\n\
         weights {min:.3} to {max:.3}, mean {mean:.3}: effective sample size {effective:.0}\n\
         SHA-256 of the trained samples {}\n",
        trained_samples.samples,
        trained_samples.policy,
        times(trained_samples.choices),
        trained_samples.candidates,
        trained_samples.seconds,
        by_class(&trained_samples.labels),
        trained_samples.digest,
    )
}

fn table(rows: &[&SetRow]) -> Table {
    let fine = fine(rows.iter().map(|row| row.place.time));
    let downsampled = rows.iter().any(|row| row.times.is_some());
    let mut header = vec!["sample", "when", "label", "weight"];
    header.extend(downsampled.then_some("times"));
    let mut table = plain_table(header);
    for row in rows {
        let place = &row.place;
        let mut cells = vec![
            format!("{}/{}/{}", place.topic, place.partition, place.offset),
            moment(place.time, fine),
            row.label.to_string(),
            row.weight.to_string(),
        ];
        cells.extend(row.times.map(|times| times.to_string()));
        table.add_row(cells);
    }
    align_right(&mut table, if downsampled { &[2, 3, 4] } else { &[2, 3] });
    table
}
