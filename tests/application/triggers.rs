//! Every trigger policy in a job: it trains at the changes of the stream, for all numbers of workers.

use crate::program::{decided, pipeline, run_to_end};

crate::suite::tests! {
    every_kind_of_policy_decides_the_same_with_any_number_of_workers,
}

/// A stream with several abrupt changes of its concept, and a policy of each kind.
const PIPELINE: &str = r#"
name = "policies"
source.generator = { partitions = 4, stream.sea = { length = 8000, seed = 3 } }
trigger.amount.every = 2000
selection.new_data = {}
model.mlp = { hidden = [8], classes = 2 }
training = { seed = 5, epochs = 2, optimizer.adamw.learning_rate = 1e-2 }

[compare.window]
trigger.drift = { every = 250, warmup = 500, on = "features", windows.time = { reference = "10m", current = "5m" }, metrics.ks = { threshold = { p_value = 0.001 } } }

[compare.embeddings]
trigger.drift = { every = 250, warmup = 500, pca = 4, windows.amount = { reference = 600, current = 300 }, metrics.mmd = { threshold = { quantile = 0.9, of = 6 } }, metrics.energy = { threshold = { above_average = 2.0, of = 6, relative = true } }, aggregate = "any" }

[compare.sequential]
trigger.sequential = { on = "loss", warmup = 500, detector.page_hinkley = { threshold = 20 } }

[compare.performance]
trigger.performance = { every = 250, warmup = 500, metrics.accuracy = { threshold = 0.85 } }

[compare.incorporation]
trigger.data_incorporation_cost = { every = 250, conversion = 0.00001, training.declared = { fixed = 2, per_sample = 0.001 } }

[compare.avoidable]
trigger.avoidable_misclassification_cost = { every = 250, expected_accuracy = 0.95, conversion = 0.0001, training.declared = { fixed = 2, per_sample = 0.001 } }

[compare.classes]
trigger.new_class = { samples = 10 }

[compare.balance]
trigger.class_balance = { every = 250, windows.amount = { reference = 1000, current = 500 }, p_value = 0.01 }

[compare.votes]
trigger.ensemble = { vote = "majority", members.amount.amount = { every = 900 }, members.error.sequential = { on = "error", detector.ddm = {} }, members.drift.drift = { every = 250, on = "features", windows.amount = { reference = 600, current = 300 }, metrics.ks = { threshold = 0.1 } } }
"#;

fn every_kind_of_policy_decides_the_same_with_any_number_of_workers() {
    let pipeline = pipeline(PIPELINE);
    let (first, _folder) = run_to_end(&pipeline, 1, 1024);
    for (name, branch) in &first.compare {
        let count = branch.versions.len();
        eprintln!("{name}: {count} trainings, the last: {:?}", branch.triggers.last());
        // both classes occur from the beginning, and features do not change.
        let still = ["classes", "window"].contains(&name.as_str());
        let wanted = if still { 1..=2 } else { 2..=32 };
        assert!(wanted.contains(&count), "{name}: {count} trainings");
    }
    let (again, _folder) = run_to_end(&pipeline, 4, 100);
    assert_eq!(decided(&first), decided(&again));
}
