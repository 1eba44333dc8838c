//! The README and the guide agree with the program.

use std::fs;
use std::path::PathBuf;

use clap::Parser as _;
use driftmill::cli::Cli;
use driftmill::config::load;
use toml::{Table, Value};

use crate::keys;
use crate::program::printed;
use crate::small_job::sea_job;

crate::suite::tests! {
    the_table_of_components_is_current,
    the_reference_of_keys_is_current,
    the_pipelines_of_all_pages_are_valid,
    the_commands_of_all_pages_exist,
    the_readme_is_short,
    pages_refer_only_to_existing_files,
}

const COMPONENTS: &str = "src/guide/components.md";
const REFERENCE: &str = "src/guide/reference.md";
const BEGIN: &str =
    "<!-- components: written by `cargo test`, see tests/application/guide.rs -->\n";
const END: &str = "<!-- end of components -->";

/// Compares a generated page with its file; writes it if `DRIFTMILL_WRITE_REFERENCE` is set.
fn compare(file: &str, wanted: &str) {
    if std::env::var_os("DRIFTMILL_WRITE_REFERENCE").is_some() {
        fs::write(file, wanted).unwrap();
    }
    let found = fs::read_to_string(file).unwrap_or_default();
    assert!(found == wanted, "{file} is stale: DRIFTMILL_WRITE_REFERENCE=1 cargo test writes it");
}

/// The table of all components of a pipeline file.
fn components() -> String {
    let listed: serde_json::Value =
        serde_json::from_str(&printed(&["components", "--json"])).unwrap();
    let mut table = "| table | what it is |\n|---|---|\n".to_owned();
    for (name, entries) in listed.as_object().unwrap() {
        for entry in entries.as_array().unwrap() {
            let [key, summary] = ["key", "summary"].map(|key| entry[key].as_str().unwrap());
            assert!(!summary.is_empty(), "{name}.{key} says nothing of itself");
            table += &format!("| `[{name}.{key}]` | {summary} |\n");
        }
    }
    table
}

fn the_table_of_components_is_current() {
    let text = fs::read_to_string(COMPONENTS).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (_found, after) = rest.split_once(END).unwrap();
    compare(COMPONENTS, &format!("{before}{BEGIN}{}{END}{after}", components()));
}

fn the_reference_of_keys_is_current() {
    let schema = serde_json::from_str(&printed(&["schema"])).unwrap();
    compare(REFERENCE, &keys::reference(&schema));
}

/// The README and the pages of the guide, with their texts.
fn pages() -> Vec<(PathBuf, String)> {
    let files = fs::read_dir("src/guide").unwrap().map(|file| file.unwrap().path());
    let pages = files.filter(|file| file.extension() == Some("md".as_ref()));
    let read = |file: PathBuf| (file.clone(), fs::read_to_string(file).unwrap());
    pages.chain([PathBuf::from("README.md")]).map(read).collect()
}

/// The code blocks of a page in a language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let blocks = text.split(&fence).skip(1);
    blocks.map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// Adds the keys of `more` to a table.
fn merge(table: &mut Table, more: Table) {
    for (key, value) in more {
        match (table.get_mut(&key), value) {
            (Some(Value::Table(table)), Value::Table(more)) => merge(table, more),
            (_, value) => drop(table.insert(key, value)),
        }
    }
}

fn the_pipelines_of_all_pages_are_valid() {
    let (mut whole, mut parts) = (0, 0);
    for (page, text) in pages() {
        for block in blocks(&text, "toml") {
            let mut pipeline: Table = block.parse().unwrap_or_else(|error| panic!("{error}"));
            if pipeline.contains_key("source") {
                whole += 1;
            } else {
                parts += 1;
                let part = std::mem::replace(&mut pipeline, sea_job("guide", "").parse().unwrap());
                pipeline.insert("trigger".to_owned(), toml::toml! { amount.every = 100 }.into());
                merge(&mut pipeline, part);
            }
            load(&page.display().to_string(), &pipeline.to_string(), &[])
                .unwrap_or_else(|error| panic!("{error}\n{block}"));
        }
    }
    assert!(whole >= 1 && parts >= 3, "{whole} whole pipelines and {parts} parts were found");
}

fn the_commands_of_all_pages_exist() {
    let mut commands = 0;
    for (page, text) in pages() {
        for line in blocks(&text, "sh").iter().flat_map(|block| block.lines()) {
            let line = line.split(" #").next().unwrap();
            let line = line.replace("cargo run --release --", "driftmill");
            if !line.starts_with("driftmill ") {
                continue;
            }
            commands += 1;
            let parsed = Cli::try_parse_from(line.split_whitespace());
            assert!(parsed.is_ok(), "{}: {line}: {}", page.display(), parsed.unwrap_err());
        }
    }
    assert!(commands >= 15, "only {commands} commands were found");
}

fn the_readme_is_short() {
    assert!(fs::metadata("README.md").unwrap().len() <= 10_000);
}

fn pages_refer_only_to_existing_files() {
    for (page, text) in pages() {
        for link in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            // rustdoc checks the links to items.
            let elsewhere = link.starts_with("https:") || link.contains("crate::");
            let file = page.parent().unwrap().join(link);
            assert!(elsewhere || file.exists(), "{}: no {link}", page.display());
        }
    }
}
