//! The reaction of a run to versions that other runs published under its name.

use std::path::{Path, PathBuf};

use crate::program::{Program, Ran};

crate::suite::tests! {
    a_new_run_publishes_next_to_another_only_on_request,
}

/// A job over a generator that publishes three versions to `models`.
fn job(models: &Path, seed: u64) -> String {
    format!(
        "name = \"m\"
        source.generator.stream.sea = {{ length = 3000 }}
        trigger.amount.every = 1000
        selection.new_data = {{}}
        model.mlp.hidden = [2]
        training = {{ seed = {seed} }}
        sink.directory.path = {models:?}"
    )
}

fn run(models: &Path, seed: u64, arguments: &[&str]) -> Ran {
    Program::start_with(&job(models, seed), arguments).end()
}

/// The run of each published version.
fn runs(models: &Path) -> Vec<String> {
    let of = |number: u64| {
        let file = models.join(format!("m/{number}/version.json"));
        let version: serde_json::Value =
            serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        version["id"].as_str().unwrap().split('/').next().unwrap().to_owned()
    };
    (1..=3).map(of).collect()
}

fn name(ran: &Ran) -> String {
    ran.assert_done();
    ran.summary["run"].as_str().unwrap().to_owned()
}

fn a_new_run_publishes_next_to_another_only_on_request() {
    let folder = tempfile::tempdir().unwrap();
    let models: PathBuf = folder.path().join("models");
    let first = name(&run(&models, 1, &[]));
    assert_eq!(runs(&models), vec![first.clone(); 3]);

    let refused = run(&models, 1, &[]);
    assert_eq!(refused.code, Some(64), "{}", refused.said);
    let wanted = format!(
        "sink.directory holds 3 versions by other runs, the newest is version 3 of run `{first}`"
    );
    assert!(refused.said.contains(&wanted), "{}", refused.said);
    assert!(refused.said.contains("--fresh") && refused.said.contains("--adopt"));
    assert_eq!(runs(&models), vec![first.clone(); 3]);

    // versions are made again and compared, and only missing ones are published.
    std::fs::remove_dir_all(models.join("m/2")).unwrap();
    let second = name(&run(&models, 1, &["--adopt"]));
    assert_eq!(runs(&models), [first.clone(), second, first.clone()]);

    let third = name(&run(&models, 2, &["--fresh"]));
    assert_eq!(runs(&models), vec![third.clone(); 3]);

    let other = run(&models, 1, &["--adopt"]);
    assert_eq!(other.code, Some(69), "{}", other.said);
    assert!(other.said.contains("version 1 was published with digest"), "{}", other.said);
    assert_eq!(runs(&models), vec![third; 3]);
}
