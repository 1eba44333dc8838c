//! Pipelines that earlier versions of the program recorded.

use serde_json::Value;

/// Reads a pipeline from a state directory and removes keys that no longer exist. None of these keys had an
/// effect.
///
/// # Errors
/// When the text is not JSON.
pub fn recorded(json: &str) -> serde_json::Result<Value> {
    let mut pipeline = serde_json::from_str(json)?;
    remove(&mut pipeline, "training", "lag");
    Ok(pipeline)
}

/// Removes `key` from all tables called `table`.
fn remove(value: &mut Value, table: &str, key: &str) {
    let Value::Object(entries) = value else { return };
    for (name, value) in entries {
        if name == table
            && let Value::Object(entries) = value
        {
            entries.remove(key);
        }
        remove(value, table, key);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_that_no_longer_exist_are_left_out() {
        let text = r#"{"training": {"lag": "wait", "epochs": 1}, "compare": {"training": {"training": {"lag": "wait"}}}}"#;
        let wanted =
            json!({ "training": { "epochs": 1 }, "compare": { "training": { "training": {} } } });
        assert_eq!(recorded(text).unwrap(), wanted);
    }
}
