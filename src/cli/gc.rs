use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::print;
use crate::catalog::{Catalog, ModelStore};
use crate::history::{History, HistoryError};
use crate::job::StateDirectory;
use crate::report::{align_right, amount, fine, moment, plain_table};
use crate::retention::{Keys, Needs, OldSegment, OldVersion, Plan, Subject};
use crate::store::Log;

#[derive(Debug, Args)]
pub(super) struct Gc {
    /// State directory of a run that is stopped
    #[arg(value_name = "DIR")]
    state: PathBuf,
    /// Say what would go, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Answer with one JSON object on stdout
    #[arg(long)]
    json: bool,
}

impl Gc {
    pub(super) fn execute(self) -> anyhow::Result<u8> {
        if !self.state.join("catalog.sqlite").exists() {
            return Err(HistoryError::NoRun(self.state).into());
        }
        let state = StateDirectory::open(&self.state)?;
        let history = History::open(state.path())?;
        let (log, catalog) = (&history.log, &history.catalog);
        if !self.dry_run {
            // what a crash left of segments that are gone, or of what was never durable.
            Log::open(&state.path().join("log"), log.schema().clone(), &catalog.segments()?)?;
        }
        let needs = Needs::of(catalog, history.current.policies())?;
        let keys = match history.current.source.keyed() {
            None => Keys::None,
            Some(keyed) if keyed.labels => Keys::Labels,
            Some(_) if history.current.retention.log.is_none() => Keys::Unknown,
            Some(_) => Keys::Known(history.taken_back(needs.resume_everywhere(log))?),
        };
        let named = history.current.sink.named();
        let subject = Subject {
            retention: &history.current.retention,
            catalog,
            log,
            needs: &needs,
            keys: &keys,
            sinks: &named.iter().map(|(key, _)| *key).collect::<Vec<_>>(),
            store: &|branch| ModelStore::of(state.path(), branch),
        };
        let plan = Plan::of(&subject)?;
        if !self.dry_run && !plan.is_empty() {
            let mut writable = Catalog::open(&state.catalog())?;
            plan.apply(&subject, |segments, versions| writable.remove(segments, versions))?;
        }
        print(&if self.json {
            self.object(&plan, &history).to_string()
        } else {
            self.text(&plan, &history)
        })
    }

    fn object(&self, plan: &Plan, history: &History) -> Value {
        let segments = plan.segments.iter().map(|OldSegment { summary, kept }| {
            json!({
                "name": summary.name,
                "rows": summary.counts.rows,
                "samples": summary.counts.samples,
                "bytes": summary.bytes,
                "newest": summary.newest,
                "kept": kept,
            })
        });
        let versions = plan.versions.iter().map(|OldVersion { branch, version, bytes, kept }| {
            json!({
                "policy": history.name_of(branch),
                "version": version,
                "bytes": bytes,
                "kept": kept,
            })
        });
        let Freed { files, bytes, samples, versions: count } = Freed::by(plan);
        json!({
            "dry_run": self.dry_run,
            "freed": { "files": files, "bytes": bytes, "samples": samples, "versions": count },
            "segments": segments.collect::<Vec<_>>(),
            "versions": versions.collect::<Vec<_>>(),
        })
    }

    fn text(&self, plan: &Plan, history: &History) -> String {
        let goes = if self.dry_run { "would go" } else { "removed" };
        let becomes = |kept: &Option<String>| match kept {
            Some(reason) => format!("kept: {reason}"),
            None => goes.to_owned(),
        };
        let mut segments = plain_table(["segment", "until", "samples", "bytes", ""]);
        let fine = fine(plan.segments.iter().map(|old| old.summary.newest));
        for OldSegment { summary, kept } in &plan.segments {
            segments.add_row([
                summary.name.clone(),
                moment(summary.newest, fine),
                summary.counts.samples.to_string(),
                amount(summary.bytes),
                becomes(kept),
            ]);
        }
        align_right(&mut segments, &[2, 3]);
        let mut versions = plain_table(["policy", "version", "bytes", ""]);
        for OldVersion { branch, version, bytes, kept } in &plan.versions {
            versions.add_row([
                history.name_of(branch).to_owned(),
                version.to_string(),
                amount(*bytes),
                becomes(kept),
            ]);
        }
        align_right(&mut versions, &[1, 2]);
        let tables = [segments, versions].into_iter().filter(|table| !table.is_empty());
        let text: String = tables.map(|table| format!("{}\n", super::lines(&table))).collect();
        let Freed { files, bytes, samples, versions } = Freed::by(plan);
        let freed = format!(
            "{samples} samples and {versions} versions in {files} files, {}: {goes}",
            amount(bytes)
        );
        match (history.current.retention.keeps_all(), plan.segments.len() + plan.versions.len()) {
            (true, _) => "the pipeline retains everything: [retention]".to_owned(),
            (_, 0) => "nothing is old".to_owned(),
            _ => text + &freed,
        }
    }
}

/// What is freed.
struct Freed {
    files: usize,
    bytes: u64,
    samples: u64,
    versions: usize,
}

impl Freed {
    fn by(plan: &Plan) -> Self {
        let (segments, versions) = (plan.removed_segments(), plan.removed_versions());
        let bytes = plan.removed_segments().map(|summary| summary.bytes).sum::<u64>()
            + plan.removed_versions().map(|old| old.bytes).sum::<u64>();
        let (segments, versions) = (segments.count(), versions.count());
        let samples = plan.removed_segments().map(|summary| summary.counts.samples).sum();
        // a segment is a file of batches and an index.
        Self { files: 2 * segments + versions, bytes, samples, versions }
    }
}
