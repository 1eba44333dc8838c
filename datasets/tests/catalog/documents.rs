//! Every key of every table has a description.

use driftmill_datasets::codec::CodecTable;
use driftmill_datasets::generate::GeneratorTable;
use schemars::schema_for;
use serde_json::Value;

/// Visits all objects of a schema that list properties.
fn check(schema: &Value, path: &str) {
    if let Some(Value::Object(properties)) = schema.get("properties") {
        for (key, property) in properties {
            // the key of a variant names the component, which is described by its type.
            let described = property.get("description").is_some() || property.get("$ref").is_some();
            assert!(described, "{path}: `{key}` has no description");
        }
    }
    match schema {
        Value::Object(members) => {
            members.iter().for_each(|(key, member)| check(member, &format!("{path}/{key}")));
        }
        Value::Array(items) => items.iter().for_each(|item| check(item, path)),
        _ => (),
    }
}

#[test]
fn every_key_is_described() {
    for schema in [schema_for!(CodecTable), schema_for!(GeneratorTable)] {
        check(schema.as_value(), "");
    }
}
