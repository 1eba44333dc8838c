//! Output for people and scripts: help, errors, exit codes.

use crate::wait::{self, LIMIT, OutputInTime, wait_for};
use std::process::{Command, Output, Stdio};

crate::suite::tests! {
    a_valid_pipeline_is_accepted,
    all_problems_are_reported_together_with_their_places,
    range_errors_point_at_values,
    constraints_beyond_types_are_checked,
    syntax_errors_have_a_place,
    keys_can_be_set_on_the_command_line,
    properties_of_kafka_are_checked_and_passwords_are_not_shown,
    exit_codes_match_the_documentation,
    results_go_to_stdout_as_text_or_json,
    the_graph_names_every_stage,
    a_run_ends_with_one_json_object_and_its_models_can_be_listed,
    an_interrupt_ends_a_run_with_a_summary,
}

fn driftmill(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_driftmill")).args(arguments).output_in_time()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Checks a pipeline file with this text. Returns the output and the exit code.
fn check(text: &str, more: &[&str]) -> (String, Option<i32>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("p.toml");
    std::fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap();
    let output = driftmill(&[&["check", file], more].concat());
    (said(&output).replace(file, "p.toml"), output.status.code())
}

const GOOD: &str = r#"name = "test"

[source.generator]
stream.sea = { length = 100 }

[trigger.amount]
every = 10

[selection.new_data]

[model.mlp]
hidden = [4]
classes = 2

[training]
epochs = 1
"#;

fn a_valid_pipeline_is_accepted() {
    assert_eq!(check(GOOD, &[]).1, Some(0));
}

fn all_problems_are_reported_together_with_their_places() {
    let wrong = GOOD
        .replace("every = 10", "evry = 10")
        .replace("epochs = 1", "epochs = \"one\"")
        .replace("[selection.new_data]", "[selection.new_dta]");
    let (said, code) = check(&wrong, &[]);
    assert_eq!(code, Some(78), "{said}");
    let expected = [
        "unknown field `evry`, expected `every`",
        " --> p.toml:7:1",
        "7 | evry = 10\n  | ^^^^",
        "hint: did you mean `every`?",
        "unknown variant `new_dta`, expected one of `all`",
        " --> p.toml:9:12",
        "hint: did you mean `new_data`?",
        "invalid type: string \"one\"",
        "`p.toml` has 3 problems",
    ];
    for expected in expected {
        assert!(said.contains(expected), "{expected:?} is missing in:\n{said}");
    }
}

fn range_errors_point_at_values() {
    let (said, _) = check(&GOOD.replace("every = 10", "every = 0"), &[]);
    assert!(said.contains("--> p.toml:7:9"), "{said}");
    let (said, _) = check(&GOOD.replace("classes = 2", "classes = 1"), &[]);
    assert!(said.contains("--> p.toml:13:11"), "{said}");
}

fn constraints_beyond_types_are_checked() {
    let (said, code) = check(&GOOD.replace("name = \"test\"", "name = \"a b\""), &[]);
    assert_eq!(code, Some(78));
    assert!(said.contains("`name`: wanted up to 200 letters"), "{said}");
    // these names become names of folders.
    for name in ["../elsewhere", "/elsewhere", ""] {
        let compare = format!("{GOOD}\n[compare.{name:?}]\ntrigger.amount.every = 2\n");
        let (said, code) = check(&compare, &[]);
        assert_eq!(code, Some(78), "{said}");
        assert!(
            said.contains(&format!("`{name}`: wanted")) && said.contains("p.toml:18:2"),
            "{said}"
        );
    }
    let (said, code) = check(GOOD, &["--set", "evaluation.interval=0s"]);
    assert_eq!(code, Some(78), "{said}");
    let (said, code) = check(&format!("{GOOD}\n[retention.log]\n"), &[]);
    assert!(
        code == Some(78) && said.contains("`retention.log`: name at least one limit"),
        "{said}"
    );
    let (said, _) = check(&format!("{GOOD}\n[retention.log]\nsize = \"1 TB\"\n"), &[]);
    assert!(said.contains("wanted a number and a unit of B, kB"), "{said}");
    let two = GOOD.replace("[selection", "[trigger.time]\nevery = \"1d\"\n\n[selection");
    let (said, code) = check(&two, &[]);
    assert_eq!(code, Some(78), "{said}");
    assert!(said.contains("only one can be chosen here"), "{said}");
    let shape = GOOD.replace("[model.mlp]\nhidden = [4]", "[model.yearbook_net]");
    let (said, _) = check(&shape, &[]);
    assert!(said.contains("p.toml:11:8") && said.contains("model.yearbook_net"), "{said}");
    let (said, code) = check(GOOD, &["--set", "model.mlp.hidden=[1000000000]"]);
    assert_eq!(code, Some(78), "{said}");
    assert!(said.contains("GB of memory") && said.contains("make its layers narrower"), "{said}");
    let (said, code) = check(GOOD, &["--set", "training.threads=100000"]);
    assert!(code == Some(78) && said.contains("wanted at most 1024"), "{said}");
    let (said, code) = check(GOOD, &["--set", "order.time_range={ from = 5, to = 1 }"]);
    assert!(code == Some(78) && said.contains("`from` is after `to`"), "{said}");
}

fn syntax_errors_have_a_place() {
    let (said, code) = check("name = \"x\nsource", &[]);
    assert_eq!(code, Some(78));
    assert!(said.contains("--> p.toml:1:"), "{said}");
}

fn keys_can_be_set_on_the_command_line() {
    let (_, code) =
        check(&GOOD.replace("every = 10", "every = 0"), &["--set", "trigger.amount.every=3"]);
    assert_eq!(code, Some(0));
    let (said, code) = check(GOOD, &["--set", "training.epoch=3"]);
    assert_eq!(code, Some(78));
    assert!(said.contains("unknown field `epoch`") && said.contains("`epochs`?"), "{said}");
    let (_, code) = check(GOOD, &["--set", "nonsense"]);
    assert_eq!(code, Some(64));
}

fn properties_of_kafka_are_checked_and_passwords_are_not_shown() {
    let source =
        "[source.kafka]\nbrokers = \"b:1\"\ntopics = [\"t\"]\n[codec.json]\nfeatures = [\"a\"]";
    let good = GOOD.replace("[source.generator]\nstream.sea = { length = 100 }", source);
    let properties =
        "topics = [\"t\"]\nproperties = { \"sasl.password\" = \"rabbit-hole\", X = \"Y\" }";
    let with = |property: &str| {
        good.replace("topics = [\"t\"]", &properties.replace("X = \"Y\"", property))
    };
    for (property, problem, place) in [
        ("\"sasl.pasword\" = \"y\"", "librdkafka has no property `sasl.pasword`", "p.toml:6:49"),
        ("\"session.timeout.ms\" = \"x\"", "session.timeout.ms", "p.toml:6:72"),
        (
            "\"auto.offset.reset\" = \"latest\"",
            "`auto.offset.reset` is managed by driftmill",
            "p.toml:6:1",
        ),
    ] {
        let (said, code) = check(&with(property), &[]);
        assert_eq!(code, Some(78), "{said}");
        assert!(said.contains(problem) && said.contains(place), "{said}");
        assert!(!said.contains("rabbit-hole"), "{said}");
    }
    // a key with dots is in quotes on the command line, too.
    let set = ["--set", "source.kafka.properties.\"sasl.password\"=looking-glass"];
    assert_eq!(check(&good, &set).1, Some(0));
}

fn exit_codes_match_the_documentation() {
    assert_eq!(driftmill(&["--help"]).status.code(), Some(0));
    assert_eq!(driftmill(&["no-such-command"]).status.code(), Some(64));
    let missing = driftmill(&["run", "no-such-file.toml"]);
    assert_eq!(missing.status.code(), Some(69));
    assert!(said(&missing).contains("no-such-file.toml"));
    let folder = tempfile::tempdir().unwrap();
    let rows = folder.path().join("rows.csv");
    std::fs::write(&rows, "period,nswdemand,class\n0.1,0.2,1\n").unwrap();
    let path = format!("source.file.path={rows:?}");
    let column = ["--set", &path, "--set", "source.file.features=[\"perod\"]", "--state"];
    let state = [folder.path().to_str().unwrap()];
    let run = ["run", "tests/support/pipelines/electricity-file.toml"];
    let output = driftmill(&[&run[..], &column, &state].concat());
    assert_eq!(output.status.code(), Some(78), "{}", said(&output));
    assert!(said(&output).contains("did you mean `period`?"), "{}", said(&output));
}

fn results_go_to_stdout_as_text_or_json() {
    for arguments in [&["components", "--json"][..], &["schema"]] {
        let output = driftmill(arguments);
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap();
        assert!(output.stderr.is_empty(), "{}", said(&output));
    }
    let one = driftmill(&["components", "downsampling.policy.craig"]);
    let one = String::from_utf8_lossy(&one.stdout);
    let parts = ["[downsampling.policy.craig]", "Reference: B. Mirzasoleiman", "neighbours: "];
    assert!(parts.iter().all(|part| one.contains(part)), "{one}");
    assert_eq!(driftmill(&["components", "no-such"]).status.code(), Some(64));
    let text = driftmill(&["components"]);
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    for key in [
        "[trigger.drift]",
        "[codec.png]",
        "[model.mlp]",
        "[sink.kafka]",
        "[trigger.drift.metrics.mmd]",
    ] {
        assert!(text.contains(key), "{key} is missing in:\n{text}");
    }
}

fn the_graph_names_every_stage() {
    let output = driftmill(&["graph", "pipelines/quickstart.toml", "--dot"]);
    let dot = String::from_utf8_lossy(&output.stdout).into_owned();
    for part in
        ["source.generator", "trigger.drift", "selection.new_data", "sink.directory", "yearly"]
    {
        assert!(dot.contains(part), "{part} is missing in:\n{dot}");
    }
    let output = driftmill(&["graph", "tests/support/pipelines/electricity.toml"]);
    let text = "\
source.kafka ─► codec.json ─► log ─► order
     └─ invalid messages ─► dead letters

electricity
  order ─► trigger.drift ─► selection.new_data ─► train model.mlp ─► model store, sink.kafka
                 ▲                                       │
                 └────────────── new model ──────────────┴─► evaluate
";
    assert_eq!(String::from_utf8_lossy(&output.stdout), text);
}

fn a_run_ends_with_one_json_object_and_its_models_can_be_listed() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let state = state.to_str().unwrap();
    let run = ["run", "pipelines/every-1000.toml", "--json", "--workers", "2", "--state", state];
    let short = ["--set", "source.generator.stream.sea.length=2500"];
    let output = driftmill(&[&run[..], &short].concat());
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary["samples"], 2500);
    assert_eq!(summary["triggers"][1]["position"]["offset"], 1999);
    assert_eq!(summary["versions"].as_array().unwrap().len(), 2);
    assert_eq!(summary["evaluation"]["prequential"]["samples"], 1500);
    let listed = driftmill(&["models", state, "--json"]);
    let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(listed[1]["artifact"]["sha256"], summary["versions"][1]["sha256"]);
    let none = driftmill(&["models", state, "3"]);
    assert_eq!(none.status.code(), Some(64));
    assert!(said(&none).contains("no version 3: there are 1 to 2"), "{}", said(&none));
    let sound = driftmill(&["verify", state, "--json"]);
    assert_eq!(sound.status.code(), Some(0), "{}", said(&sound));
    let sound: serde_json::Value = serde_json::from_slice(&sound.stdout).unwrap();
    assert_eq!((&sound["decisions"], &sound["versions"]), (&2.into(), &2.into()), "{sound}");
    assert_eq!(sound["problems"], serde_json::json!([]));
    let weights = format!("{state}/models/2/model.safetensors");
    let mut bytes = std::fs::read(&weights).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&weights, bytes).unwrap();
    let damaged = driftmill(&["verify", state]);
    assert_eq!(damaged.status.code(), Some(65));
    let text = String::from_utf8_lossy(&damaged.stdout).into_owned();
    assert!(text.contains("damaged: trigger 1: version 2: its weights do not match"), "{text}");
    // a run is not resumed with weights that differ from the recorded ones.
    let again = driftmill(&[&run[..], &short].concat());
    assert!(said(&again).contains("the weights of version 2 and the catalog"), "{}", said(&again));
}

fn an_interrupt_ends_a_run_with_a_summary() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = Command::new(env!("CARGO_BIN_EXE_driftmill"));
    run.args(["run", "pipelines/every-1000.toml", "--json", "--state"]);
    run.arg(folder.path().join("state"));
    run.args(["--set", "source.generator.stream.sea.length=100000000"]);
    let run = run.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    // when there is a version, the job handles signals.
    let version = folder.path().join("state/models/1");
    wait_for("a version", LIMIT, || version.exists());
    let id = run.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let output = wait::output("the interrupted job", run, LIMIT);
    assert_eq!(output.status.code(), Some(130));
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary["complete"], false);
    assert!(!summary["versions"].as_array().unwrap().is_empty());
}
