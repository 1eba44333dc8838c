//! Irreducible-loss models: versions with a lineage of their own.

use std::collections::BTreeMap;
use std::path::Path;

use driftmill::catalog::{Catalog, ModelStore, irreducible_key};
use driftmill::config::Pipeline;
use roaring::RoaringTreemap;
use serde_json::{Value, json};

use crate::program::{driftmill, pipeline, run_to_end};

crate::suite::tests! {
    twins_share_a_training_set_and_are_versions,
    old_irreducible_versions_expire_and_damage_is_reported,
    the_holdout_is_not_trained_on,
}

fn irreducible_job(holdout: &str) -> Pipeline {
    pipeline(&format!(
        "name = \"rho\"
        source.generator.stream.sea = {{ length = 2000, seed = 3 }}
        trigger.amount.every = 1000
        selection.new_data = {{ tail = \"all\" }}
        model.mlp = {{ hidden = [6], classes = 2 }}
        [downsampling]
        ratio = 0.5
        policy.rho_loss = {{}}
        [downsampling.irreducible]
        holdout = {holdout}
        model.mlp = {{ hidden = [2], classes = 2 }}
        training = {{ epochs = 3, start = \"finetune\" }}
        [training]
        epochs = 1"
    ))
}

/// The training sets of a run, by branch and trigger.
fn sets(state: &Path) -> BTreeMap<(String, u64), RoaringTreemap> {
    let mut sets = BTreeMap::new();
    let catalog = Catalog::view(&state.join("catalog.sqlite")).unwrap();
    let add = |set: driftmill::catalog::TrainedSet| {
        drop(sets.insert((set.branch, set.decision.trigger), set.ids));
    };
    catalog.trained(add).unwrap();
    sets
}

fn twins_share_a_training_set_and_are_versions() {
    let (_, folder) = run_to_end(&irreducible_job("\"twin\""), 1, 1024);
    let state = folder.path().join("state");
    let sets = sets(&state);
    let of = |number, trigger| &sets[&(irreducible_key("", number), trigger)];
    for trigger in [0, 1] {
        let whole = &sets[&(String::new(), trigger)];
        assert!(of(1, trigger).is_disjoint(of(2, trigger)));
        assert_eq!(&(of(1, trigger) | of(2, trigger)), whole);
        let share = of(1, trigger).len() as f64 / whole.len() as f64;
        assert!((0.4..0.6).contains(&share), "{share}");
    }
    // once a twin has been trained again, its training set contains the earlier one: each continues from
    // its own weights.
    assert!(of(1, 0).is_subset(of(1, 1)));
    for number in [1, 2] {
        let store = ModelStore::of(&state, &irreducible_key("", number));
        assert_eq!(store.numbers().unwrap(), [1, 2]);
        let versions = [1, 2].map(|version| store.get(version).unwrap());
        assert_eq!(versions[1].model, format!("rho.irreducible-{number}"));
        assert_eq!((versions[0].parent, versions[1].parent), (None, Some(1)));
        assert_eq!(versions[1].architecture, json!({ "mlp": { "hidden": [2], "classes": 2 } }));
    }
    let output = driftmill("models", &state, &["--irreducible", "2", "--json"]);
    let listed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 2, "{output:?}");
    let output = driftmill("lineage", &state, &["--sample", "sea/0/7"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("irreducible-1") && text.contains("trained on"), "{text}");
    let output = driftmill("lineage", &state, &["--version", "2"]);
    let text = String::from_utf8_lossy(&output.stdout);
    let parts = ["of them, chosen by rho_loss", "irreducible losses by version 2 of irreducible-1"];
    assert!(parts.iter().all(|part| text.contains(part)), "{text}");
    let output = driftmill("models", &state, &["2"]);
    let version: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(version["irreducible_models"].as_array().unwrap().len(), 2, "{version}");
    assert!(driftmill("verify", &state, &[]).status.success());
}

fn old_irreducible_versions_expire_and_damage_is_reported() {
    let mut wanted = irreducible_job("\"twin\"");
    wanted.retention = toml::from_str("versions.keep = 1").unwrap();
    let (_, folder) = run_to_end(&wanted, 1, 1024);
    let state = folder.path().join("state");
    assert!(driftmill("gc", &state, &[]).status.success());
    for number in [1, 2] {
        let store = ModelStore::of(&state, &irreducible_key("", number));
        let there = [1, 2].map(|version| store.bytes_of(version).is_some());
        assert_eq!(there, [false, true]);
    }
    assert!(driftmill("verify", &state, &[]).status.success());
    let damage = |change: &str| {
        let database = rusqlite::Connection::open(state.join("catalog.sqlite")).unwrap();
        assert_eq!(database.execute(change, []).unwrap(), 1);
        let output = driftmill("verify", &state, &[]);
        assert_eq!(output.status.code(), Some(65), "{output:?}");
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    let message = damage(
        "UPDATE trained_samples SET weights = zeroblob(length(weights)) WHERE branch = '' AND trigger = 1",
    );
    assert!(message.contains("table trained_samples, branch ``, trigger 1"), "{message}");
    assert_eq!(driftmill("training-set", &state, &["1"]).status.code(), Some(65));
    let message = damage("DELETE FROM trained_samples WHERE branch = '' AND trigger = 0");
    assert!(message.contains("do not match the version's description"), "{message}");
}

fn the_holdout_is_not_trained_on() {
    let (_, folder) = run_to_end(&irreducible_job("0.25"), 1, 1024);
    let state = folder.path().join("state");
    let held = &sets(&state)[&(irreducible_key("", 1), 1)];
    let catalog = Catalog::view(&state.join("catalog.sqlite")).unwrap();
    let (used, kept) = catalog.trained_samples("", 1).unwrap().unwrap();
    assert!((420..580).contains(&held.len()), "{}", held.len());
    assert_eq!(used.candidates + held.len(), 2000);
    assert!(kept.iter().all(|kept| !held.contains(kept.id.0)));
}
