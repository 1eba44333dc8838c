use serde_json::Value;

/// Keys that may be changed between two starts of a run: nothing that was decided depends on them.
const FREE: &[&str] = &[
    "checkpoint",
    "dead_letters",
    "order.lead",
    "order.idle_after",
    "retention",
    "shutdown",
    "sink",
    "source.kafka.brokers",
    "source.kafka.patience",
    "source.kafka.properties",
    "store",
    "training.max_attempts",
    "training.max_failures",
    "training.threads",
];

/// Keys in which two pipelines differ and on which past decisions depend.
pub(super) fn changed(before: &Value, now: &Value) -> Vec<String> {
    let mut keys = Vec::new();
    compare("", (before, now), &mut keys);
    keys
}

fn compare(path: &str, (before, now): (&Value, &Value), keys: &mut Vec<String>) {
    if before == now || FREE.contains(&path) {
        return;
    }
    let (Value::Object(before), Value::Object(now)) = (before, now) else {
        return keys.push(path.to_owned());
    };
    let names: std::collections::BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    for name in names {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let of = |table: &serde_json::Map<String, Value>| table.get(name).cloned();
        let values = (of(before).unwrap_or_default(), of(now).unwrap_or_default());
        compare(&path, (&values.0, &values.1), keys);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_decisions_depend_on_is_named() {
        let before = json!({
            "source": { "kafka": { "brokers": "a", "topics": ["t"] } },
            "training": { "epochs": 1, "threads": 1 },
            "sink": {},
        });
        let mut now = before.clone();
        now["source"]["kafka"]["brokers"] = json!("b");
        now["training"]["threads"] = json!(2);
        now["sink"] = json!({ "directory": { "path": "x" } });
        assert!(changed(&before, &now).is_empty());
        now["training"]["epochs"] = json!(2);
        now["trigger"] = json!({ "amount": { "every": 3 } });
        assert_eq!(changed(&before, &now), ["training.epochs", "trigger"]);
    }
}
