//! The `calibrate` command: proposes thresholds for trigger policies.

use clap::Args;
use driftmill_operators::calibration::Rate;
use serde_json::Value;

use super::arguments::{File, time};
use super::error::Usage;
use super::output::{lines, print};
use super::run::interruptible;
use crate::calibrate::{Basis, Calibrated, Stretch, calibrate};
use crate::job::Options;
use crate::report::{align_right, plain_table};
use crate::source::TimeRange;

#[derive(Debug, Args)]
pub(super) struct Calibrate {
    #[command(flatten)]
    file: File,
    /// Wanted share of evaluations that are false alarms, such as 0.01
    #[arg(long, value_name = "SHARE", default_value = "0.01")]
    rate: f64,
    /// Start of the stable stretch in event time, such as 1996-05-07 or 1996-05-07T02:00:00Z, or in
    /// milliseconds [default: start of the stream]
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<i64>,
    /// End of the stable stretch in event time, exclusive [default: the current end of the stream]
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<i64>,
    /// Number of workers; does not affect the proposals
    #[arg(long, default_value = "1", value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: u16,
    /// Answer with one JSON object on stdout
    #[arg(long)]
    json: bool,
}

impl Calibrate {
    pub(super) fn execute(self) -> anyhow::Result<u8> {
        let pipeline = self.file.load()?;
        let rate = Rate::new(self.rate).ok_or_else(|| {
            Usage(format!("--rate {}: wanted a share between 0 and 1, as in 0.01", self.rate))
        })?;
        let range = (self.from, self.to) != (None, None);
        let range = range.then(|| TimeRange {
            from: self.from.unwrap_or(i64::MIN),
            to: self.to.map_or(i64::MAX, |to| to.saturating_sub(1)),
        });
        let options =
            Options { workers: usize::from(self.workers), progress: true, ..Options::default() };
        let stretch = Stretch { rate, range };
        let calibrated = calibrate(pipeline, stretch, &options, &interruptible()?)?;
        let proposals = &calibrated.proposals;
        if !proposals.is_empty() && proposals.iter().all(|proposal| proposal.evaluations == 0) {
            let text = format!(
                "no policy has evaluated anything: the stretch has {} samples\n\
                 hint: name a longer one with --from and --to in event time",
                calibrated.samples
            );
            return Err(Usage(text).into());
        }
        if self.json {
            return print(&serde_json::to_string(&calibrated)?);
        }
        print(&text(&calibrated))
    }
}

fn text(Calibrated { proposals, left_out, .. }: &Calibrated) -> String {
    if proposals.is_empty() {
        return "no policy of this pipeline has a threshold".to_owned();
    }
    let mut table = plain_table([
        "policy",
        "metric",
        "evaluations",
        "now",
        "false alarms",
        "proposed",
        "expected",
        "basis",
    ]);
    for proposal in proposals {
        let share = |share: Option<f64>| share.map_or("–".to_owned(), percent);
        table.add_row([
            proposal.policy.clone(),
            proposal.metric.clone(),
            proposal.evaluations.to_string(),
            brief(&proposal.now),
            share(proposal.false_alarms),
            brief(&proposal.proposed),
            share(proposal.expected),
            basis(proposal.basis).to_owned(),
        ]);
    }
    align_right(&mut table, &[2, 4, 6]);
    let mut text = lines(&table);
    let notes = proposals.iter().filter_map(|proposal| {
        let note = proposal.note.as_ref()?;
        Some(format!("{} of {}: {note}\n", proposal.metric, proposal.policy))
    });
    let mut notes: String = notes.collect();
    if proposals.iter().any(|proposal| proposal.expected.is_some()) {
        notes.push_str(
            "expected is an average: evaluations of one policy share windows, and alarms come in groups\n",
        );
    }
    if !left_out.is_empty() {
        notes.push_str(&format!("no threshold for this rate: {}\n", left_out.join(", ")));
    }
    let found = proposals.iter().filter(|proposal| !proposal.proposed.is_null());
    let found: String = found
        .flat_map(|proposal| {
            let own = (&proposal.key, &proposal.proposed);
            let follows = proposal.follows.as_ref().map(|(key, value)| (key, value));
            std::iter::once(own).chain(follows)
        })
        .map(|(key, found)| format!("{key} = {}\n", value(found)))
        .collect();
    for part in [notes, found] {
        if !part.is_empty() {
            text = format!("{text}\n{part}");
        }
    }
    text
}

fn basis(basis: Basis) -> &'static str {
    match basis {
        Basis::Observed => "measured",
        Basis::Extrapolated => "extrapolated",
        Basis::Resampled => "resampled",
        Basis::Definition => "by definition",
        Basis::None => "–",
    }
}

fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

/// The parts of a threshold that define the comparison.
fn brief(threshold: &Value) -> String {
    const KINDS: [(&str, &str); 4] = [
        ("p_value", "p"),
        ("quantile", "quantile"),
        ("above_average", "average +"),
        ("below_average", "average −"),
    ];
    let kind = KINDS.iter().find_map(|(key, name)| Some((name, threshold.get(key)?)));
    kind.map_or_else(|| value(threshold), |(name, number)| format!("{name} {number}"))
}

/// A value in the syntax of TOML files.
fn value(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::Object(table) => {
            let pairs = table.iter().map(|(key, value)| format!("{key} = {}", self::value(value)));
            format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}
