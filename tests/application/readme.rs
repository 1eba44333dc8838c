//! What the README shows is what there is.

use crate::wait::OutputInTime;
use driftmill::config::load;

crate::suite::tests! {
    the_table_of_policies_is_current,
    the_pipeline_in_the_readme_is_one,
}

const README: &str = "README.md";
const BEGIN: &str = "<!-- policies: written by `cargo test`, see tests/application/readme.rs -->\n";
const END: &str = "<!-- end of policies -->";

/// The table of all that can be written in a pipeline file.
fn table() -> String {
    let binary = env!("CARGO_BIN_EXE_driftmill");
    let listed = std::process::Command::new(binary).args(["components", "--json"]).output_in_time();
    let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
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

fn the_table_of_policies_is_current() {
    let text = std::fs::read_to_string(README).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (found, after) = rest.split_once(END).unwrap();
    let wanted = table();
    if found != wanted {
        std::fs::write(README, format!("{before}{BEGIN}{wanted}{END}{after}")).unwrap();
        panic!("the table of policies in {README} was stale; it has been written again");
    }
}

fn the_pipeline_in_the_readme_is_one() {
    let text = std::fs::read_to_string(README).unwrap();
    let block = text.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    load(README, block, &[]).unwrap_or_else(|error| panic!("{error}"));
}
