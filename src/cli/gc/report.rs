//! The output of the `gc` command.

use serde_json::{Value, json};

use crate::cli::output::lines;
use crate::history::History;
use crate::report::{align_right, amount, fine, moment, plain_table};
use crate::retention::{Erasure, OldSegment, OldVersion, Plan};

/// The removed data, or the data that would be removed.
pub(super) struct Report<'a> {
    pub(super) plan: &'a Plan,
    pub(super) erasure: &'a Erasure,
    /// Segments that are moved to the object store.
    pub(super) remote: &'a [String],
    /// Trigger evaluations that are removed from the catalog.
    pub(super) trigger_evaluations: u64,
    pub(super) dry_run: bool,
    pub(super) history: &'a History,
}

impl Report<'_> {
    /// The report as JSON.
    pub(super) fn object(&self) -> Value {
        let Self { plan, erasure, remote, trigger_evaluations, dry_run, history } = self;
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
            "dry_run": dry_run,
            "freed": { "files": files, "bytes": bytes, "samples": samples, "versions": count },
            "segments": segments.collect::<Vec<_>>(),
            "versions": versions.collect::<Vec<_>>(),
            "erased": { "samples": erasure.samples(), "segments": erasure.segments.len() },
            "not_erased": erasure.kept,
            "moved": remote,
            "trigger_evaluations": trigger_evaluations,
        })
    }

    /// The report as text.
    pub(super) fn text(&self) -> String {
        let Self { plan, erasure, history, .. } = self;
        let removed = if self.dry_run { "would be removed" } else { "removed" };
        let becomes = |kept: &Option<String>| match kept {
            Some(reason) => format!("kept: {reason}"),
            None => removed.to_owned(),
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
        let mut text: String = tables.map(|table| format!("{}\n", lines(&table))).collect();
        text += &match (history.current.retention.keeps_all(), text.is_empty()) {
            (true, _) if !self.remote.is_empty() => String::new(),
            (true, _) => {
                "the pipeline keeps the whole log and all versions: [retention]".to_owned()
            }
            (_, true) => "nothing is old".to_owned(),
            _ => self.freed(removed),
        };
        if self.trigger_evaluations > 0 {
            text += &format!("\ntrigger evaluations: {} {removed}", self.trigger_evaluations);
        }
        if erasure.samples() > 0 {
            let erased = if self.dry_run { "would be erased" } else { "were erased" };
            text += &format!("\nsamples whose features {erased}: {}", erasure.samples());
        }
        if let (Some(tier), false) = (&history.current.store.tier, self.remote.is_empty()) {
            let moved = if self.dry_run { "would be moved" } else { "moved" };
            let line_break = if text.is_empty() { "" } else { "\n" };
            let count = self.remote.len();
            text += &format!("{line_break}segments {moved} to `{}`: {count}", tier.url);
        }
        for (reason, samples) in &erasure.kept {
            text += &format!("\nsamples that cannot be erased yet, for {reason}: {samples}");
        }
        text
    }

    fn freed(&self, removed: &str) -> String {
        let Freed { files, bytes, samples, versions } = Freed::by(self.plan);
        if files == 0 {
            return "nothing is removed: everything beyond a limit is still needed".to_owned();
        }
        let bytes = amount(bytes);
        format!("{samples} samples and {versions} versions in {files} files, {bytes}: {removed}")
    }
}

/// The totals of the removed data.
struct Freed {
    files: usize,
    bytes: u64,
    samples: u64,
    versions: usize,
}

impl Freed {
    fn by(plan: &Plan) -> Self {
        let (segments, versions) = (plan.expired_segments(), plan.expired_versions());
        let bytes = plan.expired_segments().map(|summary| summary.bytes).sum::<u64>()
            + plan.expired_versions().map(|old| old.bytes).sum::<u64>();
        let (segments, versions) = (segments.count(), versions.count());
        let samples = plan.expired_segments().map(|summary| summary.counts.samples).sum();
        // a segment is a file of batches and an index.
        Self { files: 2 * segments + versions, bytes, samples, versions }
    }
}
