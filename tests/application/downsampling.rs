//! Downsampling in a job: every policy with different numbers of workers, the agreement of trained samples
//! and scores, and the output for people.

use std::collections::BTreeSet;

use arrow::array::AsArray;
use arrow::datatypes::Float32Type;
use driftmill::catalog::{Catalog, ModelStore};
use driftmill::config::load;
use driftmill_operators::downsampling::DownsamplingTable;
use safetensors::SafeTensors;
use serde_json::Value;

use crate::program::{driftmill, pipeline, run_program, run_to_end};
use crate::results::catalog as made_in;

crate::suite::tests! {
    every_policy_chooses_the_same_samples_with_any_number_of_workers,
    trained_samples_have_the_highest_scores,
    trained_samples_are_shown,
    invalid_tables_are_rejected,
}

/// Each policy of the table as a comparison, alternately with whole sets and with batches.
fn every_policy() -> String {
    let mut text = "name = \"full\"
        source.generator = { partitions = 4, stream.sea = { length = 3000, seed = 3 } }
        trigger.amount.every = 1000
        selection.new_data = { tail = 1 }
        model.mlp = { hidden = [6], classes = 2 }
        training = { epochs = 2, seed = 4 }
        [compare.herding_memory]
        trigger.amount.every = 1000
        selection.class_memory = { per_class = 20, keep = \"herding\" }\n"
        .to_owned();
    for (number, (key, example)) in DownsamplingTable::CATALOG.iter().enumerate() {
        let mode = match number % 2 {
            1 if *key != "rs2" => "mode = \"batch_then_sample\"",
            _ => "",
        };
        let irreducible = match *key {
            "rho_loss" => format!("[compare.{key}.downsampling.irreducible]\nholdout = \"twin\"\n"),
            _ => String::new(),
        };
        text += &format!(
            "[compare.{key}]\ntrigger.amount.every = 1000\n[compare.{key}.downsampling]\n\
             ratio = 0.2\nwarmup_triggers = 1\n{mode}\n\
             [compare.{key}.downsampling.policy.{key}]\n{example}\n{irreducible}"
        );
    }
    text
}

fn every_policy_chooses_the_same_samples_with_any_number_of_workers() {
    let pipeline = pipeline(&every_policy());
    let (first, folder) = run_to_end(&pipeline, 1, 1024);
    let made = made_in(&folder.path().join("state"));
    let catalog = Catalog::view(&folder.path().join("state/catalog.sqlite")).unwrap();
    for (key, _) in DownsamplingTable::CATALOG {
        assert_eq!(first.compare[*key].versions.len(), 3, "{key}");
        assert!(catalog.trained_samples(key, 0).unwrap().is_none(), "{key}: it warms up");
        for trigger in [1, 2] {
            let (used, kept) = catalog.trained_samples(key, trigger).unwrap().expect(key);
            let all = if *key == "rs2" { 800 } else { 400 };
            assert_eq!((&*used.policy, used.samples), (*key, kept.len() as u64));
            assert!(kept.len() <= 2 * all && kept.len() > 20, "{key}: {}", kept.len());
            assert_eq!(used.labels.values().sum::<u64>(), used.samples);
            assert!(used.weights.min > 0.0 && used.weights.effective > 1.0, "{key}");
            assert!(used.seconds > 0.0);
        }
    }
    let (memory, _) =
        catalog.trained_samples("herding_memory", 2).unwrap().expect("it has a memory");
    assert_eq!((&*memory.policy, memory.samples), ("herding", 1000 + 2 * 20));
    drop(catalog);
    for (workers, poll) in [(1, 7), (4, 100)] {
        let (_, folder) = run_to_end(&pipeline, workers, poll);
        assert_eq!(made, made_in(&folder.path().join("state")), "{workers} workers");
    }
}

/// The loss of a logistic regression, computed here from the features of a line of the file.
fn loss(weights: &[f32], offsets: &[f32], features: [f32; 2], label: usize) -> f64 {
    let score = |class: usize| {
        let product: f64 = (0..2)
            .map(|column| f64::from(weights[class * 2 + column]) * f64::from(features[column]))
            .sum();
        product + f64::from(offsets[class])
    };
    let scores = [score(0), score(1)];
    let most = scores[0].max(scores[1]);
    let norm = most + ((scores[0] - most).exp() + (scores[1] - most).exp()).ln();
    norm - scores[label]
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

/// The features of a sample identify it. The trained samples must be those of the highest loss, computed
/// from the file and the weights without this program.
fn trained_samples_have_the_highest_scores() {
    let features = |row: u64| [(row as f32 / 977.0).sin() * 2.0, row as f32 / 1000.0];
    let label = |row: u64| u64::from((row * 7919 % 1000) < row / 3);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("samples.csv");
    let lines: Vec<String> = (0..2000)
        .map(|row| format!("{row},{},{},{}", features(row)[0], features(row)[1], label(row)))
        .collect();
    std::fs::write(&path, format!("t,a,b,c\n{}\n", lines.join("\n"))).unwrap();
    for (workers, batch, mode) in [(1, 64, ""), (4, 33, ""), (2, 50, "batch_then_sample")] {
        let mode = if mode.is_empty() { String::new() } else { format!("mode = {mode:?}") };
        let (_, folder) = run_to_end(
            &pipeline(&format!(
                "name = \"own\"
                source.file = {{ path = {path:?}, features = [\"a\", \"b\"], label = \"c\", time = \"t\" }}
                trigger.amount.every = 1000
                selection.new_data = {{ tail = \"all\" }}
                model.mlp = {{ hidden = [], classes = 2 }}
                [training]
                start = \"finetune\"
                epochs = 1
                batch_size = {batch}
                # so that the weights are those of version 1 throughout.
                optimizer.sgd.learning_rate = 1e-20
                first_epochs = 1
                [downsampling]
                ratio = 0.1
                {mode}
                policy.loss = {{ draws = \"top\" }}"
            )),
            workers,
            100,
        );
        let state = folder.path().join("state");
        let bytes = ModelStore::of(&state, "").weights(1).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let tensor = |name: &str| floats(file.tensor(name).unwrap().data());
        let (weights, offsets) = (tensor("layers.0.weight"), tensor("layers.0.bias"));
        let loss = |row: u64| loss(&weights, &offsets, features(row), label(row) as usize);
        let catalog = Catalog::view(&state.join("catalog.sqlite")).unwrap();
        let (used, kept) = catalog.trained_samples("", 1).unwrap().unwrap();
        assert_eq!(used.candidates, 2000);
        let kept: BTreeSet<u64> = kept.iter().map(|kept| kept.id.offset()).collect();
        let least = kept.iter().map(|row| loss(*row)).fold(f64::INFINITY, f64::min);
        let rest = (0..2000).filter(|row| !kept.contains(row));
        let most = rest.map(loss).fold(f64::NEG_INFINITY, f64::max);
        if mode.is_empty() {
            assert_eq!(kept.len(), 200);
            assert!(least > most - 1e-5, "{workers} workers: {least} < {most}");
        } else {
            // the best of each batch: on average far above the others.
            assert_eq!(kept.len(), 2000 / 50 * 5);
            let mean = |rows: &mut dyn Iterator<Item = u64>| {
                let losses: Vec<f64> = rows.map(loss).collect();
                losses.iter().sum::<f64>() / losses.len() as f64
            };
            let chosen = mean(&mut kept.iter().copied());
            let others = mean(&mut (0..2000).filter(|row| !kept.contains(row)));
            assert!(chosen > 1.3 * others, "{chosen} {others}");
        }
    }
}

fn trained_samples_are_shown() {
    let ran = run_program(
        "name = \"seen\"
        source.generator.stream.sea = { length = 2000, seed = 3 }
        trigger.amount.every = 1000
        selection.new_data = {}
        model.mlp = { hidden = [6], classes = 2 }
        training = { epochs = 3 }
        downsampling = { ratio = 0.1, policy.gradient_norm = {} }",
    );
    ran.assert_done();
    let state = ran.folder.path().join("state");
    let text = |arguments: &[&str]| {
        let output = driftmill("training-set", &state, arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let shown = text(&["1", "--limit", "5"]);
    for part in
        ["of 1000 candidates", "by gradient_norm, chosen 3 times among 1000", "times", "… 5 of "]
    {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let set: Value = serde_json::from_str(&text(&["1", "--json"])).unwrap();
    let rows = set["rows"].as_array().unwrap();
    assert_eq!(set["trained_samples"]["samples"], rows.len());
    let steps: u64 = rows.iter().map(|row| row["times"].as_u64().unwrap()).sum();
    assert_eq!(steps, 300, "100 in each of 3 epochs");
    assert!(rows.iter().any(|row| row["weight"] != 1.0));
    let exported = crate::export::rows(&state, &["--trigger", "1"]);
    let weights = exported.column_by_name("weight").unwrap().as_primitive::<Float32Type>();
    let exported: Vec<f64> = weights.values().iter().map(|weight| f64::from(*weight)).collect();
    let shown: Vec<f64> = rows.iter().map(|row| row["weight"].as_f64().unwrap()).collect();
    assert_eq!(exported.len(), shown.len());
    assert!(exported.iter().zip(&shown).all(|(a, b)| (a - b).abs() < 1e-6 * b), "{exported:?}");
    let all: Value = serde_json::from_str(&text(&["1", "--json", "--candidates"])).unwrap();
    assert_eq!(all["rows"].as_array().unwrap().len(), 1000);
    // the event and the file have the same content.
    let version = driftmill("models", &state, &["2"]);
    let version: Value = serde_json::from_slice(&version.stdout).unwrap();
    assert_eq!(version["data"]["trained_samples"]["digest"], set["trained_samples"]["digest"]);
}

fn invalid_tables_are_rejected() {
    let text = |downsampling: &str| {
        format!(
            "name = \"wrong\"
            source.generator.stream.sea = {{ length = 2000, seed = 3 }}
            trigger.amount.every = 1000
            selection.new_data = {{}}
            model.mlp = {{ hidden = [6], classes = 2 }}
            training = {{}}
            {downsampling}"
        )
    };
    for (table, message) in [
        ("downsampling = { ratio = 1.5, policy.loss = {} }", "wanted a share above 0, at most 1"),
        ("downsampling = { ratio = 0.5 }", "missing field `policy`"),
        ("downsampling = { ratio = 0.5, policy = \"loss\" }", "write a table, as in policy.loss"),
        ("downsampling = { ratio = \"10%\", policy.loss = {} }", "expected a number"),
        ("downsampling = { ratio = 0.5, policy.rho_loss = {} }", "as in irreducible.holdout = 0.2"),
        (
            "downsampling = { ratio = 0.5, policy.loss = {}, irreducible.holdout = \"twin\" }",
            "no policy of this table uses irreducible-loss models",
        ),
        (
            "downsampling = { ratio = 0.5, policy.rho_loss = {}, irreducible.holdout = 1.0 }",
            "no samples would be left",
        ),
        (
            "downsampling = { ratio = 0.5, policy.rho_loss = {}, irreducible = { holdout = 0.5, model.mlp.classes = 3 } }",
            "it has 3 classes, the pipeline's model has 2",
        ),
        (
            "downsampling = { ratio = 0.5, mode = \"batch_then_sample\", policy.rs2 = { replacement = true } }",
            "wanted mode = \"sample_then_batch\"",
        ),
        (
            "downsampling = { ratio = 0.5, mode = \"batch_then_sample\", period = 2, policy.loss = {} }",
            "batches have no periods",
        ),
        (
            "downsampling = { ratio = 0.5, policy.loss = {}, schedule = [{ from_trigger = 3 }, { from_trigger = 3 }] }",
            "ascending `from_trigger`",
        ),
        (
            "downsampling = { ratio = 0.5, policy.grad_match = { tolerance = 1.0 } }",
            "is not at least 0 and below 1",
        ),
    ] {
        let error = load("p.toml", &text(table), &[]).unwrap_err().to_string();
        assert!(error.contains(message), "{table}: {error}");
    }
}
