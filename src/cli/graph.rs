//! The `graph` command: draws the dataflow of a pipeline.

use clap::Args;

use super::arguments::File;
use super::output::print;
use crate::config::{Composition, Pipeline};

#[derive(Debug, Args)]
pub(super) struct Graph {
    #[command(flatten)]
    file: File,
    /// Write a graph for Graphviz instead of text
    #[arg(long)]
    dot: bool,
}

impl Graph {
    pub(super) fn execute(self) -> anyhow::Result<u8> {
        let pipeline = self.file.load()?;
        print(&if self.dot { dot(&pipeline) } else { text(&pipeline) })
    }
}

/// One composition of policies: its name, and the stages of its dataflow.
struct Branch {
    name: String,
    trigger: String,
    selection: String,
    train: String,
    sinks: Vec<String>,
}

/// The pipeline's own policies, then those of comparisons.
fn branches(pipeline: &Pipeline) -> Vec<Branch> {
    let sinks: Vec<String> =
        pipeline.sink.named().into_iter().map(|(key, _)| format!("sink.{key}")).collect();
    let stored = ["model store".to_owned()];
    let branch = |branch: Composition<'_>| {
        let own = branch.name.is_empty();
        let kept = branch.downsampling.map(|downsampling| {
            let (ratio, policy) = (downsampling.ratio.get(), downsampling.policy.key());
            let more = if downsampling.schedule.is_empty() { "" } else { ", …" };
            let models =
                downsampling.irreducible.as_ref().map_or(0, |table| table.holdout.models());
            let irreducible = if models == 0 {
                String::new()
            } else {
                format!("; irreducible losses by {models}")
            };
            format!(" on {ratio} by downsampling.{policy}{more}{irreducible}")
        });
        Branch {
            name: if own { pipeline.name.clone() } else { format!("compare.{}", branch.name) },
            trigger: format!("trigger.{}", branch.trigger.key()),
            selection: format!("selection.{}", branch.selection.key()),
            train: format!("train model.{}{}", pipeline.model.key(), kept.unwrap_or_default()),
            sinks: stored.iter().chain(sinks.iter().filter(|_| own)).cloned().collect(),
        }
    };
    pipeline.branches().map(branch).collect()
}

/// The stages from the source to the order that all branches share.
fn common(pipeline: &Pipeline) -> Vec<String> {
    let source = format!("source.{}", pipeline.source.key());
    let codec = pipeline.codec.as_ref().map(|codec| format!("codec.{}", codec.key()));
    let rest = ["log", "order"].into_iter().chain(keyed(pipeline));
    std::iter::once(source).chain(codec).chain(rest.map(str::to_owned)).collect()
}

/// Additional operators of keyed sources.
fn keyed(pipeline: &Pipeline) -> Option<&'static str> {
    let keyed = pipeline.source.keyed()?;
    Some(if keyed.labels { "upsert with labels" } else { "upsert" })
}

/// The last shared stage.
fn last_of(stages: &[String]) -> &str {
    stages.last().map_or("", String::as_str)
}

/// ```text
/// source.kafka ─► codec.json ─► log ─► order
///      └─ invalid messages ─► dead letters
///
/// electricity
///   order ─► trigger.drift ─► selection.new_data ─► train model.mlp ─► model store, sink.kafka
///                  ▲                                       │
///                  └────────────── new model ──────────────┴─► evaluate
/// ```
fn text(pipeline: &Pipeline) -> String {
    let dead_letters = "     └─ invalid messages ─► dead letters".to_owned();
    let stages = common(pipeline);
    let mut lines = vec![stages.join(" ─► "), dead_letters];
    if pipeline.source.keyed().is_some_and(|keyed| keyed.labels) {
        lines.push("     └─ labels without a sample ─► dead letters".to_owned());
    }
    let from = last_of(&stages);
    for branch in branches(pipeline) {
        let Branch { name, trigger, selection, train, sinks } = branch;
        let before = format!("  {from} ─► {trigger} ─► {selection} ─► ");
        let width = |text: &str| text.chars().count();
        let start = width(&format!("  {from} ─► ")) + width(&trigger) / 2;
        let to = width(&before) + width(&train) / 2;
        let (indent, between) = (" ".repeat(start), to - start - 1);
        lines.push(format!("\n{name}\n{before}{train} ─► {}", sinks.join(", ")));
        lines.push(format!("{indent}▲{}│", " ".repeat(between)));
        lines.push(format!("{indent}└{:─^between$}┴─► evaluate", " new model "));
    }
    for (name, shadow) in &pipeline.shadow {
        let (trigger, own) = (shadow.trigger.key(), &pipeline.name);
        let stages = format!("  {from} ─► trigger.{trigger}, on the models of {own}");
        lines.push(format!("\nshadow.{name}\n{stages} ─► catalog"));
    }
    lines.join("\n")
}

const HEAD: &str = r#"digraph driftmill {
  rankdir = LR; fontname = "sans-serif"; labeljust = l; nodesep = 0.2;
  node [shape = box, style = "rounded,filled", fillcolor = white, fontname = "sans-serif"];
  edge [fontname = "sans-serif", fontsize = 11];"#;

fn dot(pipeline: &Pipeline) -> String {
    let mut lines = vec![HEAD.to_owned()];
    let stages = common(pipeline);
    let chain: Vec<String> = stages.iter().map(|stage| format!("{stage:?}")).collect();
    lines.push(format!("  {};", chain.join(" -> ")));
    let decoding = stages.iter().take_while(|stage| *stage != "log").last();
    let decoding = decoding.expect("there is a source");
    lines.push(format!("  {decoding:?} -> \"dead letters\" [style = dotted];"));
    let last = last_of(&stages);
    if pipeline.source.keyed().is_some_and(|keyed| keyed.labels) {
        lines.push(format!("  {last:?} -> \"dead letters\" [style = dotted];"));
    }
    for (number, branch) in branches(pipeline).into_iter().enumerate() {
        // branches have equal nodes, so the branch's number precedes their names.
        let node = |what: &str| format!("\"{number} {what}\"");
        let named = |what: &str, color: &str| {
            format!("    {} [label = {what:?}, fillcolor = {color:?}];", node(what))
        };
        let Branch { name, trigger, selection, train, sinks } = &branch;
        lines.push(format!("  subgraph cluster_{number} {{"));
        lines.push(format!("    label = {name:?}; style = rounded; color = gray;"));
        lines.push(named(trigger, "lightblue"));
        lines.push(named(selection, "lightgoldenrod1"));
        lines.push(named(train, "lightsalmon"));
        lines.push(named("evaluate", "plum1"));
        lines.extend(sinks.iter().map(|sink| named(sink, "lightgray")));
        let [trigger, selection, train] = [trigger, selection, train].map(|what| node(what));
        lines.push(format!("    {trigger} -> {selection} -> {train} -> {};", node("evaluate")));
        lines.extend(sinks.iter().map(|sink| format!("    {train} -> {};", node(sink))));
        let back = "style = dashed, label = \"new model\", constraint = false";
        lines.push(format!("    {train} -> {trigger} [{back}];\n  }}"));
        let evaluate = node("evaluate");
        lines.extend([&trigger, &selection, &evaluate].map(|to| format!("  {last:?} -> {to};")));
    }
    for (name, shadow) in &pipeline.shadow {
        let node = format!("\"shadow {name}\"");
        let label = format!("shadow.{name}: trigger.{}", shadow.trigger.key());
        lines.push(format!("  {node} [label = {label:?}, fillcolor = \"lightblue\"];"));
        lines.push(format!("  {last:?} -> {node};"));
        let train = format!("\"0 train model.{}\"", pipeline.model.key());
        lines.push(format!("  {train} -> {node} [style = dashed, constraint = false];"));
    }
    lines.push("}".to_owned());
    lines.join("\n")
}
