//! The `lineage` command: shows which versions were trained on a sample.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::arguments::branch;
use super::output::{lines, print, times};
use crate::catalog::{Place, TrainedSamples};
use crate::history::{self, History, SamplePlace, SampleStatus, Tainted, VersionContents};
use crate::report::{align_right, fine, moment, plain_table};

/// Number of ancestors of a version that are shown by default.
const ANCESTORS: usize = 20;

#[derive(Debug, Args)]
pub(super) struct Lineage {
    /// State directory of a run, which may be running
    #[arg(value_name = "DIR")]
    state: PathBuf,
    #[command(flatten)]
    question: Question,
    /// With --version: a version of this comparison
    #[arg(long, value_name = "NAME", requires = "version")]
    compare: Option<String>,
    /// With --version: a version of irreducible-loss model N, from 1, of the pipeline or of that comparison
    #[arg(long, value_name = "N", requires = "version")]
    irreducible: Option<usize>,
    /// With --version: show all versions from which it continues, not only the nearest 20
    #[arg(long, requires = "version")]
    all: bool,
    /// Answer with one JSON object on stdout
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Question {
    /// Show the versions that were trained on this sample
    #[arg(long, value_name = "TOPIC/PARTITION/OFFSET")]
    sample: Option<String>,
    /// Show the versions that were trained on samples with this message key
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Show the training set of this version
    #[arg(long, value_name = "N")]
    version: Option<u64>,
    /// Show the versions that were trained on samples that were replaced or deleted since
    #[arg(long)]
    tainted: bool,
}

impl Lineage {
    pub(super) fn execute(self) -> anyhow::Result<u8> {
        let history = History::open(&self.state)?;
        let Question { sample, key, version, tainted: _ } = &self.question;
        if let Some(version) = version {
            let branch = branch(self.compare.clone(), self.irreducible);
            let limit = (!self.all).then_some(ANCESTORS);
            let contents = history.contents_of(&branch, *version, limit)?;
            return self.answer(&contents, contents_of);
        }
        let found = match (sample, key) {
            (Some(sample), _) => history.of_sample(history.id(sample)?)?,
            (_, Some(key)) => history.of_key(key)?,
            _ => {
                let tainted = history.tainted()?;
                let clean = newest_clean(&tainted);
                if self.json {
                    return print(&json!({ "versions": tainted, "clean": clean }).to_string());
                }
                return print(&taints(&tainted, &clean));
            }
        };
        self.answer(&found, seen)
    }

    fn answer<T: serde::Serialize>(
        &self,
        found: &T,
        text: impl Fn(&T) -> String,
    ) -> anyhow::Result<u8> {
        print(&if self.json { serde_json::to_string(found)? } else { text(found) })
    }
}

/// The newest version of each policy without retracted samples.
fn newest_clean(tainted: &[Tainted]) -> BTreeMap<&str, Option<u64>> {
    let mut clean = BTreeMap::new();
    for version in tainted {
        let newest: &mut Option<u64> = clean.entry(&*version.policy).or_default();
        *newest = version.is_clean().then_some(version.version).or(*newest);
    }
    clean
}

fn taints(tainted: &[Tainted], clean: &BTreeMap<&str, Option<u64>>) -> String {
    let mut table = plain_table(["policy", "version", "samples", "replaced", "deleted"]);
    for version in tainted {
        let counts = [version.version, version.samples, version.replaced, version.deleted];
        let counts = counts.iter().map(u64::to_string);
        table.add_row(std::iter::once(version.policy.clone()).chain(counts));
    }
    align_right(&mut table, &[1, 2, 3, 4]);
    let mut text = lines(&table);
    for (policy, newest) in clean {
        let newest = newest.map_or("none".to_owned(), |version| version.to_string());
        let line = format!("\n{policy}: newest version without such samples: {newest}");
        text.push_str(&line);
    }
    if tainted.is_empty() { "no versions".to_owned() } else { text }
}

fn seen(found: &history::Lineage) -> String {
    let mut rows = plain_table(["message", "when", "kind", "label", "now"]);
    let fine = fine(found.rows.iter().filter_map(|row| row.place.time));
    for row in &found.rows {
        let now = match row.status {
            Some(SampleStatus::There) => "there",
            Some(SampleStatus::Replaced) => "replaced",
            Some(SampleStatus::Deleted) => "deleted",
            Some(SampleStatus::Expired) => "expired",
            None => "",
        };
        let bytes = if row.expired { ", bytes removed" } else { "" };
        let label = row.label.map_or("–".to_owned(), |label| label.to_string());
        let when = row.place.time.map_or("–".to_owned(), |time| moment(time, fine));
        let now = format!("{now}{bytes}");
        rows.add_row([sample(&row.place), when, row.kind.to_owned(), label, now]);
    }
    let mut versions =
        plain_table(["policy", "version", "trigger", "saw", "trained on", "since then"]);
    for version in &found.versions {
        let since = match (version.deleted, version.replaced) {
            (true, _) => "deleted",
            (_, true) => "replaced",
            _ => "",
        };
        versions.add_row([
            version.policy.clone(),
            version.version.to_string(),
            version.trigger.to_string(),
            version.samples.iter().map(sample).collect::<Vec<_>>().join(", "),
            match version.trained_samples {
                None => "all".to_owned(),
                Some(0) => "none of it".to_owned(),
                Some(count) => times(count),
            },
            since.to_owned(),
        ]);
    }
    align_right(&mut versions, &[1, 2]);
    let versions = if found.versions.is_empty() {
        "no version was trained on it".to_owned()
    } else {
        lines(&versions)
    };
    format!("{}\n{versions}", lines(&rows))
}

fn contents_of(made: &VersionContents) -> String {
    let place = &made.place;
    let mut text = format!(
        "version {} of {}, trained at {}, {}: {}\nseed {}, weights {}, ids {}\n\n",
        made.version,
        made.policy,
        name(place),
        moment(place.time, true),
        made.reason,
        made.seed,
        made.sha256.as_deref().unwrap_or("–"),
        made.ids_digest,
    );
    let mut parts = plain_table(["partition", "from", "to", "samples"]);
    for part in &made.partitions {
        let numbers = [part.from, part.to, part.samples].map(|number| number.to_string());
        let partition = format!("{}/{}", part.topic, part.partition);
        parts.add_row(std::iter::once(partition).chain(numbers));
    }
    align_right(&mut parts, &[1, 2, 3]);
    text.push_str(&lines(&parts));
    let labels = made.labels.iter().map(|(class, count)| format!("{count} of class {class}"));
    let labels = labels.collect::<Vec<_>>().join(", ");
    let colon = if labels.is_empty() { "" } else { ": " };
    writeln!(text, "\n{} samples{colon}{labels}", made.samples).expect("strings take all");
    if let Some(TrainedSamples { samples, policy, .. }) = &made.trained_samples {
        let line = format!("trained on {samples} of them, chosen by {policy}");
        writeln!(text, "{line}").expect("strings take all");
    }
    for model in &made.irreducible_models {
        writeln!(text, "irreducible losses by {model}").expect("strings take all");
    }
    if made.removed > 0 {
        let line = format!("the features of {} of them have expired", made.removed);
        writeln!(text, "{line}").expect("strings take all");
    }
    for parent in &made.parents {
        let (version, samples) = (parent.version, parent.samples);
        let place = name(&parent.place);
        let line =
            format!("from version {version}: {samples} samples at {place}, {}", parent.reason);
        writeln!(text, "{line}").expect("strings take all");
    }
    text
}

fn sample(place: &SamplePlace) -> String {
    format!("{}/{}/{}", place.topic, place.partition, place.offset)
}

fn name(place: &Place) -> String {
    format!("{}/{}/{}", place.topic, place.partition, place.offset)
}
