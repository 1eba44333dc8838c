//! The value of a property, given directly, by an environment variable or by a file.

use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// The value of a property, or its source, which is read when a client is created.
#[derive(Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Value {
    /// The value itself.
    Text(String),
    /// The source of the value.
    External(ExternalSource),
}

/// A source outside the pipeline file.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ExternalSource {
    /// An environment variable.
    Env(String),
    /// A file, without the line break at its end.
    File(PathBuf),
}

impl Value {
    /// The value.
    ///
    /// # Errors
    /// When its source does not exist.
    pub(super) fn get(&self) -> Result<String, String> {
        match self {
            Self::Text(text) => Ok(text.clone()),
            Self::External(ExternalSource::Env(name)) => {
                std::env::var(name).map_err(|_| format!("the environment has no variable `{name}`"))
            }
            Self::External(ExternalSource::File(path)) => std::fs::read_to_string(path)
                .map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
                .map_err(|reason| format!("reading `{}`: {reason}", path.display())),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrTable)
    }
}

struct TextOrTable;

impl<'de> Visitor<'de> for TextOrTable {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, { env = \"NAME\" } or { file = \"path\" }")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
        ExternalSource::deserialize(MapAccessDeserializer::new(map)).map(Value::External)
    }
}
