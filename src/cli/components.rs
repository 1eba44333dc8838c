//! The `components` command: lists everything that a pipeline file can contain.

use clap::Args;
use driftmill_datasets::codec::CodecTable;
use driftmill_datasets::generate::GeneratorTable;
use driftmill_operators::downsampling::DownsamplingTable;
use driftmill_operators::drift::detector::DetectorTable;
use driftmill_operators::drift::metric::MetricTable;
use driftmill_operators::drift::window::WindowTable;
use driftmill_operators::selection::SelectionTable;
use driftmill_operators::trigger::TriggerTable;
use driftmill_operators::trigger::measure::MeasureTable;
use driftmill_registry::Entry;
use schemars::{JsonSchema, schema_for};
use serde_json::{Value, json};

use super::error::Usage;
use super::output::print;
use crate::model::ModelTable;
use crate::sink::SinkTable;
use crate::source::SourceTable;
use crate::train::OptimizerTable;

#[derive(Debug, Args)]
pub(super) struct Components {
    /// Explain this entry and its settings, such as `mmd` or `downsampling.policy.loss`
    #[arg(value_name = "NAME", conflicts_with = "json")]
    name: Option<String>,
    /// Answer with one JSON object on stdout
    #[arg(long)]
    json: bool,
}

/// A table of pipeline files: its path, its type, and the descriptions of its entries.
struct Listing {
    table: &'static str,
    entries: &'static [Entry],
    schema: Value,
}

fn listing<T: JsonSchema>(table: &'static str, entries: &'static [Entry]) -> Listing {
    Listing { table, entries, schema: schema_for!(T).to_value() }
}

/// Every table that takes components, in the order of a pipeline file.
fn listings() -> Vec<Listing> {
    vec![
        listing::<SourceTable>("source", SourceTable::CATALOG),
        listing::<GeneratorTable>("source.generator.stream", GeneratorTable::CATALOG),
        listing::<CodecTable>("codec", CodecTable::CATALOG),
        listing::<TriggerTable>("trigger", TriggerTable::CATALOG),
        listing::<WindowTable>("trigger.drift.windows", WindowTable::CATALOG),
        listing::<MetricTable>("trigger.drift.metrics", MetricTable::CATALOG),
        listing::<DetectorTable>("trigger.sequential.detector", DetectorTable::CATALOG),
        listing::<MeasureTable>("trigger.performance.metrics", MeasureTable::CATALOG),
        listing::<SelectionTable>("selection", SelectionTable::CATALOG),
        listing::<DownsamplingTable>("downsampling.policy", DownsamplingTable::CATALOG),
        listing::<ModelTable>("model", ModelTable::CATALOG),
        listing::<OptimizerTable>("training.optimizer", OptimizerTable::CATALOG),
        listing::<SinkTable>("sink", SinkTable::CATALOG),
    ]
}

impl Listing {
    /// The first paragraph of an entry's documentation.
    fn summary(&self, key: &str) -> String {
        let definition = self.definition(key);
        let text = definition.and_then(|found| found["description"].as_str()).unwrap_or_default();
        let first = text.split("\n\n").next().unwrap_or_default().replace('\n', " ");
        first.trim_end_matches('.').to_owned()
    }

    /// The schema of an entry, which may be at several places in the table's schema.
    fn definition(&self, key: &str) -> Option<&Value> {
        let variants = self.schema["oneOf"].as_array().into_iter().flatten();
        let property = variants
            .map(|variant| &variant["properties"][key])
            .find(|property| !property.is_null())
            .unwrap_or(&self.schema["properties"][key]);
        let candidates = property["anyOf"].as_array().into_iter().flatten();
        let reference = candidates
            .chain(std::iter::once(property))
            .find_map(|candidate| candidate["$ref"].as_str())?;
        self.schema.pointer(reference.trim_start_matches('#'))
    }
}

impl Components {
    pub(super) fn execute(self) -> anyhow::Result<u8> {
        match self.name {
            Some(name) => print(&explained(&name)?),
            None => print(&if self.json { as_json() } else { as_text() }),
        }
    }
}

/// The documentation of all entries with a name.
fn explained(name: &str) -> Result<String, Usage> {
    let mut texts = Vec::new();
    for listing in listings() {
        for (key, example) in listing.entries {
            let path = format!("{}.{key}", listing.table);
            if name == *key || name == path {
                let definition = listing.definition(key).cloned().unwrap_or_default();
                texts.push(explanation(&path, definition, example));
            }
        }
    }
    let missing = || Usage(format!("there is no `{name}`\nhint: `driftmill components` lists all"));
    if texts.is_empty() { Err(missing()) } else { Ok(texts.join("\n\n")) }
}

fn explanation(path: &str, mut definition: Value, example: &str) -> String {
    without_code(&mut definition);
    let description = |of: &Value| of["description"].as_str().unwrap_or_default().to_owned();
    let mut text = format!("[{path}]\n\n{}\n", description(&definition));
    for (key, setting) in definition["properties"].as_object().into_iter().flatten() {
        let lines = description(setting).replace('\n', " ");
        text.push_str(&format!("\n{key}: {lines}"));
    }
    let example = example.trim();
    if !example.is_empty() {
        text.push_str(&format!("\n\nFor example\n\n[{path}]\n{example}"));
    }
    text.trim_end().to_owned()
}

fn as_json() -> String {
    let tables = listings().into_iter().map(|listing| {
        let entries = listing.entries.iter().map(|(key, example)| {
            let mut schema = listing.definition(key).cloned().unwrap_or_default();
            // the definitions that its references use.
            schema["$defs"] = listing.schema["$defs"].clone();
            without_code(&mut schema);
            json!({
                "key": key,
                "summary": listing.summary(key),
                "example": example,
                "schema": schema,
            })
        });
        (listing.table.to_owned(), Value::Array(entries.collect()))
    });
    Value::Object(tables.collect()).to_string()
}

/// Removes Rust examples from descriptions, because they are for users of the library.
pub(super) fn without_code(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::String(text)) = members.get_mut("description")
                && let Some(code) = text.find("```\nuse ")
            {
                text.truncate(code);
                text.truncate(text.trim_end().len());
            }
            members.values_mut().for_each(without_code);
        }
        Value::Array(items) => items.iter_mut().for_each(without_code),
        _ => {}
    }
}

/// One block for each entry: its table, its description, and its smallest example.
fn as_text() -> String {
    let entries = listings().into_iter().flat_map(|listing| {
        let block = |(key, example): &Entry| {
            let example: String = example.lines().map(|line| format!("\n{line}")).collect();
            format!("# {}\n[{}.{key}]{example}\n", listing.summary(key), listing.table)
        };
        listing.entries.iter().map(block).collect::<Vec<_>>()
    });
    let text = entries.collect::<Vec<_>>().join("\n");
    text.trim_end().to_owned()
}
