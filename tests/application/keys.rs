//! The reference of every key of a pipeline file, from the JSON schema.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Writes the reference page for a schema.
pub(crate) fn reference(schema: &Value) -> String {
    let mut reference = Reference { schema, places: BTreeMap::new(), text: String::new() };
    reference.text += "# Reference of every key\n\nGenerated from the schema that `driftmill schema` \
        prints, by\n`DRIFTMILL_WRITE_REFERENCE=1 cargo test --test application guide`. A key without a \
        default is\nrequired or, where its meaning says so, absent by default.\n";
    reference.table("", schema);
    reference.text
}

struct Reference<'a> {
    schema: &'a Value,
    /// The path under which each definition was first described.
    places: BTreeMap<String, String>,
    text: String,
}

impl<'a> Reference<'a> {
    /// Describes the keys of a table, then the tables below it.
    fn table(&mut self, path: &str, schema: &'a Value) {
        let properties = properties(schema);
        if properties.is_empty() {
            return;
        }
        let title = if path.is_empty() { "The file".to_owned() } else { format!("`[{path}]`") };
        self.text += &format!("\n## {title}\n\n{}\n\n", sentence(schema));
        self.text += "| key | type | default | example | meaning |\n|---|---|---|---|---|\n";
        let mut below = Vec::new();
        for (key, property) in &properties {
            let place = if path.is_empty() { (*key).clone() } else { format!("{path}.{key}") };
            let (name, target) = self.resolve(property);
            let mut kind = kind(name, target);
            let inner = target.get("additionalProperties").filter(|more| more.is_object());
            match (name, inner) {
                (_, Some(inner)) if !self.properties_of(inner).is_empty() => {
                    below.push((format!("{place}.NAME"), inner));
                }
                (Some(name), _) if !self::properties(target).is_empty() && kind != "string" => {
                    match self.places.get(name) {
                        Some(first) => kind = format!("as `[{first}]`"),
                        None => below.push((place.clone(), *property)),
                    }
                }
                _ => {}
            }
            let default = property.get("default").map_or(String::new(), code);
            let example = property.get("default").map_or_else(|| example(name, target), code);
            let meaning = [sentence(property), sentence(target)];
            let meaning = meaning.into_iter().find(|text| !text.is_empty()).unwrap_or_default();
            self.text += &format!("| `{key}` | {kind} | {default} | {example} | {meaning} |\n");
        }
        for (place, property) in below {
            let (name, target) = self.resolve(property);
            let known = name.and_then(|name| self.places.insert(name.to_owned(), place.clone()));
            match known {
                None => self.table(&place, target),
                Some(first) => {
                    self.places.insert(name.unwrap_or_default().to_owned(), first);
                }
            }
        }
    }

    /// The definition that a property refers to, with its name.
    fn resolve(&self, property: &'a Value) -> (Option<&'a str>, &'a Value) {
        let alternatives = property["anyOf"].as_array().into_iter().flatten();
        let mut given = alternatives.filter(|one| one["type"] != "null");
        let one = match (given.next(), given.next()) {
            (Some(one), None) => one,
            _ => property,
        };
        let Some(reference) = one["$ref"].as_str() else { return (None, one) };
        let target = self.schema.pointer(reference.trim_start_matches('#')).unwrap();
        (reference.rsplit('/').next(), target)
    }

    fn properties_of(&self, property: &'a Value) -> Vec<(&'a String, &'a Value)> {
        properties(self.resolve(property).1)
    }
}

/// The keys of a table, those of all its alternatives.
fn properties(schema: &Value) -> Vec<(&String, &Value)> {
    let own = schema["properties"].as_object().into_iter().flat_map(Map::iter);
    let scalar = |one: &&Value| one["type"] != "object";
    let alternatives = schema["oneOf"].as_array().filter(|all| !all.iter().any(|one| scalar(&one)));
    let theirs = alternatives.into_iter().flatten().filter_map(|one| one["properties"].as_object());
    own.chain(theirs.flat_map(Map::iter)).collect()
}

/// The first paragraph of a description, without links.
fn sentence(schema: &Value) -> String {
    let text = schema["description"].as_str().unwrap_or_default();
    let first = text.split("\n\n").next().unwrap_or_default().replace('\n', " ");
    let mut plain = String::new();
    let mut rest = first.as_str();
    // a link of rustdoc, `[text](crate::path)`, is its text here.
    while let Some((before, after)) = rest.split_once("](") {
        let (text, next) = (before.replacen('[', "", 1), after.split_once(')'));
        plain += &text;
        rest = next.map_or("", |(_, next)| next);
    }
    (plain + rest).replace('|', "\\|").replace('<', "&lt;").replace("[`", "`").replace("`]", "`")
}

/// A value as it is written in a pipeline file.
fn code(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Object(map) if map.is_empty() => "`{}`".to_owned(),
        Value::Object(map) => {
            let member = |(key, value): (&String, &Value)| match value {
                Value::Null => None,
                value => Some(format!("{key} = {}", code(value).trim_matches('`'))),
            };
            let members: Vec<String> = map.iter().filter_map(member).collect();
            format!("`{{ {} }}`", members.join(", "))
        }
        value => format!("`{value}`"),
    }
}

/// The kind of value of a key, with its unit.
fn kind(name: Option<&str>, schema: &Value) -> String {
    match name {
        Some("Span") => return "duration".into(),
        Some("Size") => return "size in bytes".into(),
        Some("Timestamp") => return "time".into(),
        _ => {}
    }
    let choices: Vec<String> = schema["oneOf"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| one.get("const").map(code))
        .chain(schema["enum"].as_array().into_iter().flatten().map(code))
        .collect();
    if !choices.is_empty() {
        return choices.join(", ");
    }
    let kinds = schema["type"].as_array().map_or(&schema["type"], |kinds| &kinds[0]);
    let limits = match (schema["minimum"].as_f64(), schema["maximum"].as_f64()) {
        (Some(low), Some(high)) => format!(" {low} to {high}"),
        (Some(low), None) => format!(" ≥ {low}"),
        _ => String::new(),
    };
    match kinds.as_str() {
        Some("object") | None if !properties(schema).is_empty() => "table".into(),
        Some("object") => "table".into(),
        Some("array") => "list".into(),
        Some(kind) => format!("{kind}{limits}"),
        None => "see there".into(),
    }
}

/// A value that a key without a default could have.
fn example(name: Option<&str>, schema: &Value) -> String {
    let first =
        schema["oneOf"].as_array().and_then(|all| all.iter().find_map(|one| one.get("const")));
    let kinds = schema["type"].as_array().map_or(&schema["type"], |kinds| &kinds[0]);
    match (name, kinds.as_str()) {
        (Some("Span"), _) => "`\"30s\"`".into(),
        (Some("Size"), _) => "`\"1GB\"`".into(),
        (Some("Timestamp"), _) => "`\"1996-05-07\"`".into(),
        _ if first.is_some() => code(first.unwrap_or(&Value::Null)),
        (_, Some("integer")) => format!("`{}`", schema["minimum"].as_f64().unwrap_or(1.0).max(1.0)),
        (_, Some("number")) => "`0.1`".into(),
        (_, Some("boolean")) => "`true`".into(),
        (_, Some("string")) => "`\"name\"`".into(),
        (_, Some("array")) => "`[…]`".into(),
        _ => String::new(),
    }
}
