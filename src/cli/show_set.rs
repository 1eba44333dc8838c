use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use driftmill_datasets::Values;
use driftmill_operators::Id;

use super::error::Usage;
use super::{lines, print};
use crate::history::{History, SetRow, TrainingSet};
use crate::report::{align_right, fine, moment, plain_table, sheet};

#[derive(Debug, Args)]
pub(super) struct ShowSet {
    /// State directory of a run, which may be going on
    #[arg(value_name = "DIR")]
    state: PathBuf,
    /// The decision
    #[arg(value_name = "TRIGGER")]
    trigger: u64,
    /// Of a policy that the pipeline was compared with
    #[arg(long, value_name = "NAME")]
    compare: Option<String>,
    /// Most samples that are listed or drawn, evenly out of all [default: 40, of images 640]
    #[arg(long, value_name = "N")]
    most: Option<usize>,
    /// Answer with one JSON object on stdout, with all samples
    #[arg(long, conflicts_with = "sheet")]
    json: bool,
    /// Draw the images into this PNG file, class by class
    #[arg(long, value_name = "FILE")]
    sheet: Option<PathBuf>,
}

impl ShowSet {
    pub(super) fn execute(self) -> anyhow::Result<u8> {
        let history = History::open(&self.state)?;
        let set = history.set_of(self.compare.as_deref().unwrap_or_default(), self.trigger)?;
        if self.json {
            return print(&serde_json::to_string(&set)?);
        }
        match &self.sheet {
            Some(path) => draw(&history, &set, (self.most.unwrap_or(640), path)),
            None => print(&text(&set, self.most.unwrap_or(40))),
        }
    }
}

/// At most so many, evenly out of all.
fn some(rows: &[SetRow], most: usize) -> Vec<&SetRow> {
    let count = rows.len().min(most);
    (0..count).map(|place| &rows[place * rows.len() / count]).collect()
}

fn draw(history: &History, set: &TrainingSet, (most, path): (usize, &Path)) -> anyhow::Result<u8> {
    let rows = some(&set.rows, most);
    let ids: Vec<Id> = rows.iter().map(|row| row.id).collect();
    let (schema, values) = history.features_of(&ids)?;
    let Values::U8(bytes) = values else {
        let text = "these samples are no images: their features are not bytes";
        return Err(Usage(text.to_owned()).into());
    };
    let mut classes: BTreeMap<u32, Vec<&[u8]>> = BTreeMap::new();
    for (row, image) in rows.iter().zip(bytes.chunks_exact(schema.width())) {
        classes.entry(row.label).or_default().push(image);
    }
    let names = classes.keys().map(|class| format!("class {class}")).collect::<Vec<_>>();
    let groups: Vec<Vec<&[u8]>> = classes.into_values().collect();
    sheet(&groups, &schema.shape, path)?;
    let (shown, all) = (rows.len(), set.samples);
    print(&format!("{}: {shown} of {all} samples, {}", path.display(), names.join(", ")))
}

fn text(set: &TrainingSet, most: usize) -> String {
    let labels = set.labels.iter().map(|(class, count)| format!("{count} of class {class}"));
    let labels = labels.collect::<Vec<_>>().join(", ");
    let mut text = format!(
        "trigger {} of {}: {}\n{} of {} candidates: {labels}\nsum of weights {}, ids {}\n",
        set.trigger,
        set.policy,
        set.reason,
        set.samples,
        set.candidates,
        set.weight,
        set.ids_digest
    );
    let lost = set.samples - set.rows.len() as u64;
    if lost > 0 {
        text.push_str(&format!("{lost} of them are no longer in the log\n"));
    }
    let rows = some(&set.rows, most);
    let fine = fine(rows.iter().map(|row| row.place.time));
    let mut table = plain_table(["sample", "when", "label", "weight"]);
    for row in &rows {
        let place = &row.place;
        table.add_row([
            format!("{}/{}/{}", place.topic, place.partition, place.offset),
            moment(place.time, fine),
            row.label.to_string(),
            row.weight.to_string(),
        ]);
    }
    align_right(&mut table, &[2, 3]);
    if !rows.is_empty() {
        text.push_str(&format!("\n{}", lines(&table)));
    }
    if rows.len() < set.rows.len() {
        let (shown, all) = (rows.len(), set.rows.len());
        text.push_str(&format!("… {shown} of {all}: --most N or --json shows more\n"));
    }
    text
}
