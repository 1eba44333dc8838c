//! The trigger policies of a pipeline that measure something, with the parameters to calibrate.

use driftmill_operators::trigger::{Stable, TriggerTable};

use crate::config::Pipeline;

/// A policy that measures something.
pub(super) struct Policy {
    /// The name of the pipeline, comparison or shadow. Members of a combined policy follow it with their
    /// own names.
    pub(super) name: String,
    /// The path of its table in the pipeline file.
    pub(super) path: Vec<String>,
    pub(super) trigger: TriggerTable,
}

/// The policies of a pipeline that can be calibrated, and the keys of those that cannot.
pub(super) fn all(pipeline: &Pipeline) -> (Vec<Policy>, Vec<String>) {
    let mut found = (Vec::new(), Vec::new());
    let path = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect();
    collect(pipeline.name.clone(), path(&["trigger"]), &pipeline.trigger, &mut found);
    for (name, comparison) in &pipeline.compare {
        let path = path(&["compare", name, "trigger"]);
        collect(name.clone(), path, &comparison.trigger, &mut found);
    }
    for (name, shadow) in &pipeline.shadow {
        collect(name.clone(), path(&["shadow", name, "trigger"]), &shadow.trigger, &mut found);
    }
    found
}

fn collect(
    name: String,
    mut path: Vec<String>,
    trigger: &TriggerTable,
    found: &mut (Vec<Policy>, Vec<String>),
) {
    path.push(trigger.key().to_owned());
    match trigger.stable() {
        Stable::Nothing => found.1.push(format!("{name} ({})", trigger.key())),
        Stable::Members(members) => {
            for (member, table) in members {
                let keys = ["members".to_owned(), member.to_owned()];
                let path = path.iter().cloned().chain(keys).collect();
                collect(format!("{name}.{member}"), path, table, found);
            }
        }
        Stable::Thresholds { .. } | Stable::Detector { .. } => {
            found.0.push(Policy { name, path, trigger: trigger.clone() });
        }
    }
}
