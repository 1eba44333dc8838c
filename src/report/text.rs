//! The summary of a run as text, and common parts of all tables of the program.

use std::fmt::Write;

use chrono::DateTime;
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Row, Table};

use super::{BranchSummary, ShadowSummary, Summary, TriggerLine};
use crate::catalog::{BranchTotals, Place, VersionRecord};

/// Maximum number of rows of the table of triggers, unless all are requested.
const MOST_ROWS: usize = 40;

/// The summary of a run as text, with its last 40 decisions or `all` of them.
pub fn render(name: &str, summary: &Summary, all: bool) -> String {
    let mut out = String::new();
    let triggers = &summary.own.triggers;
    let shown = if all { triggers.len() } else { MOST_ROWS };
    let rows = triggers[triggers.len().saturating_sub(shown)..].iter();
    let earlier = summary.own.totals.triggers.saturating_sub(rows.len() as u64);
    if earlier > 0 {
        line(&mut out, &format!("… {earlier} triggers before these: --all shows them"));
    }
    let fine = fine(rows.clone().map(|line| line.trigger.position.time));
    if !triggers.is_empty() {
        let mut table =
            plain_table(["trigger", "when", "where", "why", "samples", "model", "loss"]);
        for row in rows {
            let made = version_of(&summary.own, row);
            let loss = made.and_then(|version| version.loss);
            let samples = match made.and_then(|version| version.trained_samples) {
                Some(trained_samples) => format!("{trained_samples} of {}", row.samples),
                None => row.samples.to_string(),
            };
            table.add_row([
                row.trigger.id.to_string(),
                moment(row.trigger.position.time, fine),
                place(&row.trigger.position),
                row.trigger.reason.text.clone(),
                samples,
                row.version.map_or("–".into(), |version| version.to_string()),
                loss.map_or("–".into(), |loss| format!("{loss:.3}")),
            ]);
        }
        align_right(&mut table, &[0, 4, 5, 6]);
        line(&mut out, &table.to_string());
    }
    line(&mut out, "");
    line(&mut out, &compared(name, summary).to_string());
    line(&mut out, "");
    if !summary.shadow.is_empty() {
        line(&mut out, &shadows(summary).to_string());
        line(&mut out, "");
    }
    line(&mut out, &closing(summary));
    out
}

/// One row for each composition of policies: its cost and its quality.
fn compared(name: &str, summary: &Summary) -> Table {
    let mut table =
        plain_table(["policy", "trainings", "samples", "seconds", "accuracy", "loss", "worst"]);
    let others = summary.compare.iter().map(|(name, branch)| (name.as_str(), branch));
    for (name, branch) in std::iter::once((name, &summary.own)).chain(others) {
        let results = &branch.evaluation.prequential;
        let BranchTotals { versions, samples, training_seconds: seconds, .. } = branch.totals;
        table.add_row([
            name.to_owned(),
            versions.to_string(),
            samples.to_string(),
            // the sum of no numbers is −0.
            format!("{:.1}", seconds.abs()),
            percent(results.total.accuracy),
            results.total.loss.map_or("–".into(), |loss| format!("{loss:.3}")),
            worst(branch),
        ]);
    }
    align_right(&mut table, &[1, 2, 3, 4, 5]);
    table
}

/// One row for each policy that trains nothing.
fn shadows(summary: &Summary) -> Table {
    let mut table = plain_table(["shadow", "would have trained", "last", "why"]);
    let shown = summary.shadow.values().flat_map(|shadow| &shadow.last_decisions);
    let fine = fine(shown.map(|decision| decision.position.time));
    for (name, ShadowSummary { decisions, last_decisions }) in &summary.shadow {
        let last = last_decisions.last();
        let when = last.map_or("–".to_owned(), |last| moment(last.position.time, fine));
        let why = last.map_or("–".to_owned(), |last| last.reason.text.clone());
        let plural = if *decisions == 1 { "" } else { "s" };
        let count = format!("{decisions} time{plural}");
        table.add_row([name.clone(), count, when, why]);
    }
    table
}

/// The interval with the lowest accuracy. Small intervals are skipped, because their accuracy says nothing.
fn worst(branch: &BranchSummary) -> String {
    let intervals = &branch.evaluation.prequential.intervals;
    let fine = fine(intervals.iter().map(|interval| interval.start));
    intervals
        .iter()
        .filter(|interval| interval.quality.samples >= 100)
        .filter_map(|interval| interval.quality.accuracy.map(|accuracy| (accuracy, interval.start)))
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .map_or("–".into(), |(accuracy, start)| {
            format!("{} in {}", percent(Some(accuracy)), moment(start, fine))
        })
}

fn closing(summary: &Summary) -> String {
    let mut text = format!("{} samples", summary.samples);
    if summary.late > 0 {
        write!(text, ", {} of them late", summary.late).expect("strings take all");
    }
    if summary.dead_letters > 0 {
        write!(text, ", {} dead letters", summary.dead_letters).expect("strings take all");
    }
    let unscored = summary.own.evaluation.prequential.unscored;
    if unscored > 0 {
        write!(text, "; {unscored} came before the first model").expect("strings take all");
    }
    let ended = if summary.complete { "in" } else { "until interrupted after" };
    write!(text, "; {ended} {:.1} s\nstate: {}", summary.seconds, summary.state)
        .expect("strings take all");
    text
}

fn version_of<'a>(branch: &'a BranchSummary, row: &TriggerLine) -> Option<&'a VersionRecord> {
    let version = row.version?;
    branch.versions.iter().find(|record| record.version == version)
}

fn place(place: &Place) -> String {
    format!("{}/{} @ {}", place.topic, place.partition, place.offset)
}

/// Whether these times, in milliseconds since 1970, need more precision than days.
pub(crate) fn fine(times: impl Iterator<Item = i64> + Clone) -> bool {
    const TEN_DAYS: i64 = 864_000_000;
    let ends = times.clone().min().zip(times.max());
    ends.is_some_and(|(first, last)| last.saturating_sub(first) < TEN_DAYS)
}

/// A time in milliseconds since 1970 as a day; to the second if `fine`.
pub(crate) fn moment(time: i64, fine: bool) -> String {
    let format = if fine { "%Y-%m-%d %H:%M:%S" } else { "%Y-%m-%d" };
    DateTime::from_timestamp_millis(time)
        .map_or_else(|| format!("{time} ms"), |time| time.format(format).to_string())
}

/// A number of bytes with about three digits.
pub(crate) fn amount(bytes: u64) -> String {
    const UNITS: [(&str, f64); 4] = [("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)];
    let bytes = bytes as f64;
    let unit = UNITS.iter().find(|(_, factor)| bytes >= *factor);
    unit.map_or(format!("{bytes} B"), |(name, factor)| format!("{:.1} {name}", bytes / factor))
}

fn percent(share: Option<f64>) -> String {
    share.map_or("–".into(), |share| format!("{:.1} %", share * 100.0))
}

/// A table without lines.
pub(crate) fn plain_table(header: impl Into<Row>) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(header);
    table
}

pub(crate) fn align_right(table: &mut Table, columns: &[usize]) {
    for column in columns {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

fn line(out: &mut String, text: &str) {
    for line in text.lines() {
        out.push_str(line.trim_end());
        out.push('\n');
    }
    if text.is_empty() {
        out.push('\n');
    }
}
