//! The `decisions` command: lists decisions and trigger evaluations.

use std::path::PathBuf;

use clap::Args;
use driftmill_operators::trigger::{Measurement, Score, WindowBounds};

use super::arguments::Last;
use super::error::Usage;
use super::output::{lines, print};
use crate::history::{Evaluation, History};
use crate::report::{Panel, Point, align_right, draw, fine, moment, plain_table};

#[derive(Debug, Args)]
pub(super) struct Decisions {
    /// State directory of a run, which may be running
    #[arg(value_name = "DIR")]
    state: PathBuf,
    /// Show only this policy: the pipeline's name, or that of a comparison or shadow
    #[arg(long, value_name = "NAME")]
    policy: Option<String>,
    /// Show only evaluations that led to a decision, or would have
    #[arg(long)]
    fired: bool,
    #[command(flatten)]
    last: Last,
    /// Answer with one JSON array on stdout
    #[arg(long, conflicts_with = "plot")]
    json: bool,
    /// Draw scores, thresholds and triggers over event time into this file: SVG or PNG
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

impl Decisions {
    pub(super) fn execute(self) -> anyhow::Result<u8> {
        let history = History::open(&self.state)?;
        let mut policies = history.evaluations()?;
        if let Some(wanted) = &self.policy {
            let named = |policy: &[Evaluation]| policy.first().map(|first| first.name.clone());
            let known: Vec<String> = policies.iter().filter_map(|policy| named(policy)).collect();
            policies.retain(|policy| named(policy).as_ref() == Some(wanted));
            if policies.is_empty() {
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                let text =
                    format!("`{wanted}` has no decisions and no evaluations: there is {known}");
                return Err(Usage(text).into());
            }
        }
        let mut headings = Vec::new();
        for policy in &mut policies {
            let heading = heading(policy);
            policy.retain(|evaluation| evaluation.fired || !self.fired);
            let earlier = policy.len() - self.last.of(policy.len());
            policy.drain(..earlier);
            headings.push(format!("{heading}\n{}", self.last.left_out(earlier)));
        }
        if let Some(path) = &self.plot {
            let panels: Vec<Panel> = policies.iter().flat_map(|policy| panels(policy)).collect();
            draw(&panels, path)?;
            return print(&format!("{}: {}", path.display(), counted(panels.len(), "panel")));
        }
        if self.json {
            return print(&serde_json::to_string(&policies.concat())?);
        }
        print(&text(&headings, &policies))
    }
}

/// A table for each policy, under its heading.
fn text(headings: &[String], policies: &[Vec<Evaluation>]) -> String {
    let fine = fine(policies.iter().flatten().map(|evaluation| evaluation.position.time));
    let policies = headings.iter().zip(policies).filter(|(_, policy)| !policy.is_empty());
    let tables = policies.map(|(heading, policy)| format!("{heading}{}", table(policy, fine)));
    let text = tables.collect::<Vec<_>>().join("\n");
    if text.is_empty() { "there are no decisions and no evaluations".to_owned() } else { text }
}

fn heading(policy: &[Evaluation]) -> String {
    let Some(first) = policy.first() else { return String::new() };
    let fired = policy.iter().filter(|evaluation| evaluation.fired).count();
    let (evaluated, name) = (policy.len(), &first.name);
    let (kind, done) =
        if first.shadow { ("shadow ", "would have trained") } else { ("", "decided to train") };
    format!(
        "{kind}{name}: {done} {} in {}",
        counted(fired, "time"),
        counted(evaluated, "evaluation")
    )
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// A row for each score. The first one also shows the values of the whole evaluation.
fn table(evaluations: &[Evaluation], fine: bool) -> String {
    let mut table = plain_table([
        "when",
        "policy",
        "metric",
        "score",
        "threshold",
        "p",
        "windows",
        "model",
        "ms",
        "trigger",
        "outcome",
    ]);
    for evaluation in evaluations {
        let mut scores = rows(evaluation).into_iter();
        let score = scores.next().unwrap_or_default();
        let milliseconds = evaluation.milliseconds.filter(|_| evaluation.model.is_some());
        let mut row = vec![moment(evaluation.position.time, fine), evaluation.policy.clone()];
        row.extend(score);
        row.extend([
            windows(&evaluation.windows),
            evaluation.model.map_or(String::new(), |version| version.to_string()),
            milliseconds.map_or(String::new(), |milliseconds| format!("{milliseconds:.0}")),
            evaluation.trigger.map_or(String::new(), |trigger| trigger.to_string()),
            outcome(evaluation),
        ]);
        table.add_row(row);
        for score in scores {
            table.add_row([String::new(), String::new()].into_iter().chain(score));
        }
    }
    align_right(&mut table, &[3, 4, 5, 7, 8, 9]);
    lines(&table)
}

/// Metric, score, threshold and p-value of each measurement.
fn rows(evaluation: &Evaluation) -> Vec<[String; 4]> {
    let row = |prefix: &str, score: &Score| {
        let number = |value: Option<f64>| value.map_or(String::new(), short);
        let mark = if score.fires { " !" } else { "" };
        let metric = format!("{prefix}{}{mark}", score.metric);
        // if there is a p-value, it is the compared value.
        let p = if score.p_value.is_some() { "p " } else { "" };
        let threshold =
            score.threshold.map_or(String::new(), |value| format!("{p}{}", short(value)));
        [metric, short(score.value), threshold, number(score.p_value)]
    };
    let own = evaluation.scores.iter().map(|score| row("", score));
    let members = evaluation.members.iter().filter(|measurement| measurement.member.is_some());
    let of = |measurement: &Measurement| {
        let prefix = format!("{} ", name(measurement));
        measurement.scores.iter().map(|score| row(&prefix, score)).collect::<Vec<_>>()
    };
    own.chain(members.flat_map(of)).collect()
}

/// The name of a member.
fn name(measurement: &Measurement) -> String {
    measurement.member.as_ref().map_or_else(
        || measurement.policy.clone(),
        |name| format!("{name}: {}", measurement.policy),
    )
}

fn short(value: f64) -> String {
    let size = value.abs();
    match size {
        _ if value == value.trunc() && size < 1e7 => format!("{value}"),
        0.001..1e6 => format!("{value:.4}"),
        _ => format!("{value:.2e}"),
    }
}

fn windows(windows: &[WindowBounds]) -> String {
    let window = |window: &WindowBounds| format!("{} {}", window.name, window.samples);
    windows.iter().map(window).collect::<Vec<_>>().join(", ")
}

fn outcome(evaluation: &Evaluation) -> String {
    match &evaluation.outcome {
        _ if !evaluation.fired => String::new(),
        None => format!("would train{}", plain_reason(evaluation)),
        Some(trained) => match (trained.version, &trained.error, trained.seconds) {
            (Some(version), ..) => format!("version {version}{}", plain_reason(evaluation)),
            (None, Some(error), _) => format!("failed: {error}"),
            (None, None, Some(_)) => "nothing to train on".to_owned(),
            (None, None, None) => "not known yet".to_owned(),
        },
    }
}

/// The number of votes of the members, for a policy with members.
fn votes(evaluation: &Evaluation) -> Option<Vec<Score>> {
    let combined = evaluation.policy == "ensemble";
    let value = evaluation.scores.iter().map(|score| score.value).sum();
    let (metric, fires) = ("votes".to_owned(), evaluation.fired);
    combined.then(|| vec![Score { metric, value, threshold: None, p_value: None, fires }])
}

/// The reason of a decision without a measurement.
fn plain_reason(evaluation: &Evaluation) -> String {
    let reason = evaluation.reason.as_ref().filter(|_| evaluation.scores.is_empty());
    reason.map_or(String::new(), |reason| format!(": {reason}"))
}

/// A panel for each metric of a policy and its members. For a policy without measurements, one panel with
/// the number of its decisions.
fn panels(evaluations: &[Evaluation]) -> Vec<Panel> {
    let Some(first) = evaluations.first() else { return Vec::new() };
    let triggers: Vec<i64> = evaluations
        .iter()
        .filter(|evaluation| evaluation.fired)
        .map(|evaluation| evaluation.position.time)
        .collect();
    let title = if first.shadow { "shadow " } else { "" };
    let mut panels: Vec<Panel> = Vec::new();
    for evaluation in evaluations {
        let time = evaluation.position.time;
        let members = evaluation.members.iter().filter(|measurement| measurement.member.is_some());
        let votes = votes(evaluation);
        let own = (evaluation.policy.clone(), votes.as_ref().unwrap_or(&evaluation.scores));
        let all = std::iter::once(own)
            .chain(members.map(|measurement| (name(measurement), &measurement.scores)));
        for (policy, score) in
            all.flat_map(|(policy, scores)| scores.iter().map(move |score| (policy.clone(), score)))
        {
            let title = format!("{title}{}: {policy}", first.name);
            // if there is a p-value, it is the compared value.
            let p = if score.p_value.is_some() { " p" } else { "" };
            let scale = format!("{}{p}", score.metric);
            let same = |panel: &&mut Panel| panel.title == title && panel.scale == scale;
            let Score { threshold, fires, .. } = *score;
            let value = score.p_value.unwrap_or(score.value);
            let point = Point { time, value, threshold, fires };
            match panels.iter_mut().find(same) {
                Some(panel) => panel.points.push(point),
                None => panels.push(Panel {
                    title,
                    scale,
                    points: vec![point],
                    triggers: triggers.clone(),
                }),
            }
        }
    }
    if panels.is_empty() {
        let count = |(number, time): (usize, &i64)| Point {
            time: *time,
            value: (number + 1) as f64,
            threshold: None,
            fires: true,
        };
        panels.push(Panel {
            title: format!("{title}{}: {}", first.name, first.policy),
            scale: "triggers".to_owned(),
            points: triggers.iter().enumerate().map(count).collect(),
            triggers: triggers.clone(),
        });
    }
    panels
}
