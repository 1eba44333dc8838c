//! The README and the guide agree with the program.

use std::fs;

use driftmill::config::load;

use crate::keys;
use crate::program::printed;

crate::suite::tests! {
    the_table_of_components_is_current,
    the_reference_of_keys_is_current,
    the_pipeline_in_the_readme_is_valid,
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

fn the_pipeline_in_the_readme_is_valid() {
    let text = fs::read_to_string("README.md").unwrap();
    let block = text.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    load("README.md", block, &[]).unwrap_or_else(|error| panic!("{error}"));
}

fn the_readme_is_short() {
    assert!(fs::metadata("README.md").unwrap().len() <= 10_000);
}

fn pages_refer_only_to_existing_files() {
    let text = fs::read_to_string("README.md").unwrap();
    for link in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
        let outside = link.starts_with("https:");
        assert!(outside || std::path::Path::new(link).exists(), "no {link}");
    }
}
