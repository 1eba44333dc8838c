//! Every selection policy in a job: the size of its choices, different numbers of workers, the samples that
//! it leaves out, and the output for people.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::program::{decided, driftmill, pipeline, run_to_end};
use crate::small_job::sea_job;

crate::suite::tests! {
    every_selection_chooses_the_same_with_any_number_of_workers,
    the_holdout_is_in_no_training_set,
    training_sets_are_shown_as_text_and_images,
}

const JOB: &str = "
    name = \"all\"
    source.generator = { partitions = 4, stream.sea = { length = 6000, seed = 3 } }
    trigger.amount.every = 1000
    selection.all = {}
    model.mlp = { hidden = [4], classes = 2 }
    training = { seed = 5, epochs = 1 }";

/// Selections that are compared with it: a name, the policy and its parameters.
const COMPARED: [(&str, &str); 8] = [
    ("random", "random = { ratio = 0.5 }"),
    ("without", "random_no_replacement = { samples = 700 }"),
    ("fresh", "freshness = { unused_ratio = 0.75, limit = 400 }"),
    ("labels", "label_balanced = { samples = 300 }"),
    ("triggers", "trigger_balanced = { samples = 300 }"),
    ("decayed", "time_decayed = { half_life = \"20m\", samples = 500 }"),
    ("memory", "class_memory = { per_class = 100 }"),
    ("reservoir", "new_data = { tail = \"all\", limit = 500, keep = \"reservoir\" }"),
];

fn every_selection_chooses_the_same_with_any_number_of_workers() {
    let compared = COMPARED.map(|(name, selection)| {
        format!("[compare.{name}]\ntrigger.amount.every = 1000\nselection.{selection}\n")
    });
    let first = pipeline(&format!("{JOB}\n{}", compared.concat()));
    let (summary, _folder) = run_to_end(&first, 1, 1024);
    let samples = |name: &str| -> Vec<u64> {
        let triggers = match name {
            "all" => &summary.own.triggers,
            name => &summary.compare[name].triggers,
        };
        triggers.iter().map(|line| line.samples).collect()
    };
    let grows = [1000, 2000, 3000, 4000, 5000, 6000];
    assert_eq!(samples("all"), grows);
    assert_eq!(samples("random"), grows.map(|all| all / 2));
    assert_eq!(samples("without"), [700; 6]);
    assert_eq!(samples("labels"), [300; 6]);
    assert_eq!(samples("triggers"), [300; 6]);
    assert_eq!(samples("decayed"), [500; 6]);
    assert_eq!(samples("reservoir"), [500; 6]);
    assert!(samples("fresh").iter().all(|count| *count <= 400), "{:?}", samples("fresh"));
    let memory = samples("memory");
    assert!(memory[0] <= 1000 && memory[1..].iter().all(|count| *count <= 1200), "{memory:?}");
    for (workers, poll) in [(1, 7), (4, 100)] {
        let (again, _folder) = run_to_end(&first, workers, poll);
        assert_eq!(decided(&summary), decided(&again), "{workers} workers, polls of {poll}");
    }
}

fn offsets(state: &Path, trigger: u64, name: &[&str]) -> BTreeSet<u64> {
    let trigger = trigger.to_string();
    let output = driftmill("training-set", state, &[&[&*trigger, "--json"], name].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let set: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = set["rows"].as_array().unwrap();
    assert_eq!(set["samples"].as_u64(), Some(rows.len() as u64));
    rows.iter().map(|row| row["offset"].as_u64().unwrap()).collect()
}

fn the_holdout_is_in_no_training_set() {
    let text = |holdout: &str| {
        let more = format!(
            "trigger.amount.every = 1000
            selection.all = {{}}
            evaluation.holdout = {holdout}
            compare.without = {{ trigger.amount.every = 400, selection.random_no_replacement.samples = 300 }}"
        );
        sea_job("held", &more)
    };
    let (_, folder) = run_to_end(&pipeline(&text("0.25")), 2, 100);
    let state = folder.path().join("state");
    let all = offsets(&state, 3, &[]);
    assert!((2_900..3_100).contains(&all.len()), "{}", all.len());
    let others: BTreeSet<u64> =
        (0..10).flat_map(|trigger| offsets(&state, trigger, &["--compare", "without"])).collect();
    assert!(others.len() > 2_000 && others.is_subset(&all));
    // another seed holds out other samples.
    let (_, folder) = run_to_end(&pipeline(&text("{ fraction = 0.25, seed = 9 }")), 1, 1000);
    let seeded = offsets(&folder.path().join("state"), 3, &[]);
    assert!((1_600..2_900).contains(&all.intersection(&seeded).count()));
    // only a share is accepted.
    let message = driftmill::config::load("p.toml", &text("1.5"), &[]).unwrap_err().to_string();
    assert!(
        message.contains("evaluation.holdout") || message.contains("wanted a share"),
        "{message}"
    );
}

fn training_sets_are_shown_as_text_and_images() {
    let text = "name = \"faces\"
        source.generator.stream.portraits = { seed = 0 }
        trigger.amount.every = 12000
        selection.label_balanced = { samples = 100 }
        model.mlp = { hidden = [2], classes = 2 }
        training = { epochs = 1 }";
    let (_, folder) = run_to_end(&pipeline(text), 1, 1024);
    let state = folder.path().join("state");
    let output = driftmill("training-set", &state, &["1", "--limit", "5"]);
    let text = String::from_utf8_lossy(&output.stdout);
    for part in [
        "100 of 24000 candidates, chosen in ",
        " s: 50 of class 0, 50 of class 1",
        "portraits/0/",
        "… 5 of 100",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let contact_sheet = folder.path().join("sheet.png");
    let output =
        driftmill("training-set", &state, &["1", "--image", contact_sheet.to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let file = std::io::BufReader::new(std::fs::File::open(&contact_sheet).unwrap());
    let info = png::Decoder::new(file).read_info().unwrap();
    // two rows of portraits for each class.
    assert_eq!((info.info().width, info.info().height), (32 * 34 + 2, 4 * 34 + 2));
    for (arguments, code) in [(vec!["77"], 64), (vec!["1", "--image", "a.jpeg"], 64)] {
        let output = driftmill("training-set", &state, &arguments);
        assert_eq!(output.status.code(), Some(code), "{output:?}");
    }
}
