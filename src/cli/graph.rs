use clap::Args;

use super::{File, print};
use crate::config::Pipeline;

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

/// Policies of one branch: its name, when it trains, what on.
fn branches(pipeline: &Pipeline) -> Vec<(String, &'static str, &'static str)> {
    let own = (pipeline.name.clone(), pipeline.trigger.key(), pipeline.selection.key());
    let compared = pipeline.compare.iter().map(|(name, comparison)| {
        let selection = comparison.selection.as_ref().unwrap_or(&pipeline.selection);
        (name.clone(), comparison.trigger.key(), selection.key())
    });
    std::iter::once(own).chain(compared).collect()
}

fn sinks(pipeline: &Pipeline) -> Vec<String> {
    let named = pipeline.sink.named().into_iter().map(|(key, _)| format!("sink.{key}"));
    std::iter::once("model store".to_owned()).chain(named).collect()
}

fn text(pipeline: &Pipeline) -> String {
    let source = pipeline.source.key();
    let decode =
        pipeline.codec.as_ref().map_or(String::new(), |codec| format!(" → codec.{}", codec.key()));
    let mut lines = vec![
        format!("source.{source}{decode} → log → order"),
        "  messages that are not samples → dead letters".to_owned(),
    ];
    for (number, (name, trigger, selection)) in branches(pipeline).into_iter().enumerate() {
        let model = pipeline.model.key();
        lines.push(format!("order → [{name}] trigger.{trigger} → selection.{selection} → train model.{model} → outcome"));
        lines.push(format!("  outcome → trigger.{trigger} (feedback)"));
        lines.push("  order, outcome → evaluate".to_owned());
        let sinks = if number == 0 { sinks(pipeline) } else { vec!["model store".to_owned()] };
        lines.push(format!("  outcome → {}", sinks.join(", ")));
    }
    lines.join("\n")
}

fn dot(pipeline: &Pipeline) -> String {
    let mut lines = vec![
        "digraph driftmill {".to_owned(),
        "  rankdir = LR; node [shape = box, fontname = \"sans-serif\"];".to_owned(),
    ];
    let mut edge = |from: &str, to: &str, style: &str| {
        lines.push(format!("  {from:?} -> {to:?}{style};"));
    };
    let source = format!("source.{}", pipeline.source.key());
    match &pipeline.codec {
        Some(codec) => {
            let codec = format!("codec.{}", codec.key());
            edge(&source, &codec, "");
            edge(&codec, "log", "");
            edge(&codec, "dead letters", " [style = dotted]");
        }
        None => edge(&source, "log", ""),
    }
    edge("log", "order", "");
    for (number, (name, trigger, selection)) in branches(pipeline).into_iter().enumerate() {
        let part = |what: &str| format!("{name}\n{what}");
        let trigger = part(&format!("trigger.{trigger}"));
        let selection = part(&format!("selection.{selection}"));
        let train = part(&format!("train model.{}", pipeline.model.key()));
        edge("order", &trigger, "");
        edge("order", &selection, "");
        edge(&trigger, &selection, "");
        edge(&selection, &train, "");
        edge(&train, &trigger, " [style = dashed, label = \"outcome\", constraint = false]");
        edge("order", &part("evaluate"), "");
        edge(&train, &part("evaluate"), "");
        let sinks = if number == 0 { sinks(pipeline) } else { vec!["model store".to_owned()] };
        sinks.iter().for_each(|sink| edge(&train, &part(sink), ""));
    }
    lines.push("}".to_owned());
    lines.join("\n")
}
