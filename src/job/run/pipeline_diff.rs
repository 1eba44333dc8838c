//! The keys in which two pipelines differ.

use serde_json::Value;

/// Keys that may change between two starts of a run, because no decision depends on them.
const FREE: &[&str] = &[
    "checkpoint",
    "dead_letters",
    "order.max_buffered",
    "order.idle_after",
    "retention",
    "shutdown",
    "sink",
    "source.kafka.brokers",
    "source.kafka.startup_timeout",
    "source.kafka.properties",
    "store",
    "training.max_attempts",
    "training.max_failures",
    "training.threads",
];

/// Keys in which two pipelines differ and on which past decisions depend.
///
/// Shadows decide nothing and may be added or removed. A shadow that stays must not change, because its
/// name would then stand for two policies.
pub(in crate::job) fn changed(before: &Value, now: &Value) -> Vec<String> {
    let mut keys = Vec::new();
    compare("", before, now, &mut keys);
    keys
}

fn compare(path: &str, before: &Value, now: &Value, keys: &mut Vec<String>) {
    if before == now || FREE.contains(&path) {
        return;
    }
    let (Value::Object(before), Value::Object(now)) = (before, now) else {
        return keys.push(path.to_owned());
    };
    let names: std::collections::BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    for name in names {
        let of = |table: &serde_json::Map<String, Value>| table.get(name).cloned();
        let values = match (of(before), of(now)) {
            (None, _) | (_, None) if path == "shadow" => continue,
            (before, now) if path.is_empty() && name == "shadow" => {
                (before.unwrap_or_else(empty), now.unwrap_or_else(empty))
            }
            (before, now) => (before.unwrap_or_default(), now.unwrap_or_default()),
        };
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        compare(&path, &values.0, &values.1, keys);
    }
}

fn empty() -> Value {
    Value::Object(serde_json::Map::new())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_that_decisions_depend_on_are_named() {
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

    #[test]
    fn shadows_can_be_added_and_removed() {
        let shadow = |every: u64| json!({ "trigger": { "amount": { "every": every } } });
        let before = json!({ "shadow": { "a": shadow(1), "b": shadow(2) } });
        assert!(changed(&json!({}), &before).is_empty());
        assert!(changed(&before, &json!({})).is_empty());
        let now = json!({ "shadow": { "b": shadow(2), "c": shadow(3) } });
        assert!(changed(&before, &now).is_empty());
        let other = json!({ "shadow": { "a": shadow(1), "b": shadow(7) } });
        assert_eq!(changed(&before, &other), ["shadow.b.trigger.amount.every"]);
        let other = json!({ "shadow": { "a": { "trigger": { "time": {} } }, "b": shadow(2) } });
        let keys = ["shadow.a.trigger.amount", "shadow.a.trigger.time"];
        assert_eq!(changed(&before, &other), keys);
    }
}
