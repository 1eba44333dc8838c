use driftmill_operators::trigger::{Stable, TriggerTable};

use crate::config::Pipeline;

/// A policy that measures something.
pub(super) struct Policy {
    /// What it is called: as its pipeline, comparison or shadow; members of a combined one with its
    /// name before their own.
    pub(super) name: String,
    /// Where its table stands in the pipeline file.
    pub(super) path: Vec<String>,
    pub(super) trigger: TriggerTable,
}

/// The policies of a pipeline that have anything to calibrate.
pub(super) fn all(pipeline: &Pipeline) -> Vec<Policy> {
    let mut found = Vec::new();
    let path = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect();
    collect(pipeline.name.clone(), path(&["trigger"]), &pipeline.trigger, &mut found);
    for (name, comparison) in &pipeline.compare {
        let path = path(&["compare", name, "trigger"]);
        collect(name.clone(), path, &comparison.trigger, &mut found);
    }
    for (name, shadow) in &pipeline.shadow {
        collect(name.clone(), path(&["shadow", name, "trigger"]), &shadow.trigger, &mut found);
    }
    // a comparison and a shadow may have one name.
    for place in 1..found.len() {
        let (before, rest) = found.split_at_mut(place);
        let same = before.iter().filter(|policy| policy.name == rest[0].name).count();
        if same > 0 {
            rest[0].name = format!("{}.{}", rest[0].name, same + 1);
        }
    }
    found
}

fn collect(name: String, mut path: Vec<String>, trigger: &TriggerTable, found: &mut Vec<Policy>) {
    path.push(trigger.key().to_owned());
    match trigger.stable() {
        Stable::Nothing => {}
        Stable::Members(members) => {
            for (member, table) in members {
                let keys = ["members".to_owned(), member.to_owned()];
                let path = path.iter().cloned().chain(keys).collect();
                collect(format!("{name}.{member}"), path, table, found);
            }
        }
        Stable::Thresholds { .. } | Stable::Detector { .. } => {
            found.push(Policy { name, path, trigger: trigger.clone() });
        }
    }
}
