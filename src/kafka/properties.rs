//! Properties of a Kafka client.

use std::collections::BTreeMap;
use std::fmt;

use rdkafka::ClientConfig;
use rdkafka::error::{IsError, KafkaError};
use rdkafka::types::RDKafkaConfRes;
use schemars::JsonSchema;
use serde::de::{DeserializeSeed, Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::value::Value;

/// Properties of a Kafka client with the names of librdkafka. Each name is known and each value is valid.
///
/// A value may be outside the pipeline file: `"sasl.password" = { env = "PASSWORD" }` or
/// `{ file = "path" }`. It is read when a client is created. Passwords and keys in the file are shown and
/// stored as `***`.
#[derive(Clone, Default, PartialEq, JsonSchema)]
#[schemars(transparent)]
pub struct Properties(BTreeMap<String, Value>);

/// The error if the source of a property's value does not exist.
#[derive(Debug, thiserror::Error)]
#[error("`{key}`: {problem}")]
pub struct NoValue {
    key: String,
    problem: String,
}

impl Properties {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These properties, then those of `other`, which replace them.
    pub fn with(&self, other: &Self) -> Self {
        Self(
            self.0
                .iter()
                .chain(&other.0)
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
        )
    }

    /// Sets the property of a client.
    ///
    /// # Errors
    /// When the source of a value does not exist.
    pub fn apply(&self, client: &mut ClientConfig) -> Result<(), NoValue> {
        // an OpenSSL built from source does not know where the system keeps its certificates.
        if cfg!(feature = "vendored") {
            client.set("ssl.ca.location", "probe");
        }
        for (key, value) in &self.0 {
            let found = value.get();
            client.set(key, found.map_err(|problem| NoValue { key: key.clone(), problem })?);
        }
        Ok(())
    }

    /// The first of `keys` that is set.
    pub fn first_of(&self, keys: &[&'static str]) -> Option<&'static str> {
        keys.iter().find(|key| self.0.contains_key(**key)).copied()
    }

    /// Names and values, with secrets masked.
    fn shown(&self) -> impl Iterator<Item = (&str, Value)> {
        self.0.iter().map(|(key, value)| match value {
            Value::Text(_) if secret(key) => (&**key, Value::Text("***".into())),
            value => (&**key, value.clone()),
        })
    }
}

/// Whether a property's value must not be shown.
fn secret(key: &str) -> bool {
    ["password", "secret", "key.pem", "jaas", "oauthbearer.config"]
        .iter()
        .any(|part| key.contains(part))
}

impl fmt::Debug for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.shown().map(|(key, value)| {
            (key, serde_json::to_string(&value).expect("a value is plain data"))
        });
        f.debug_map().entries(shown).finish()
    }
}

impl Serialize for Properties {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.shown())
    }
}

impl<'de> Deserialize<'de> for Properties {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Entries)
    }
}

/// Reads entry by entry, so that each error points to its entry.
struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Properties;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("properties of librdkafka, as in { \"client.id\" = \"driftmill\" }")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Properties, A::Error> {
        let mut properties = BTreeMap::new();
        while let Some(key) = map.next_key::<Key>()? {
            let value = map.next_value_seed(ValueOf(&key))?;
            properties.insert(key.0, value);
        }
        Ok(Properties(properties))
    }
}

/// The name of a property of librdkafka.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Key(String);

impl TryFrom<String> for Key {
    type Error = String;

    fn try_from(key: String) -> Result<Self, String> {
        match refusal(&key, "") {
            Some((RDKafkaConfRes::RD_KAFKA_CONF_UNKNOWN, _)) => Err(format!(
                "librdkafka has no property `{key}`: its CONFIGURATION.md lists those it has"
            )),
            _ => Ok(Self(key)),
        }
    }
}

/// Reads the value of a property.
struct ValueOf<'a>(&'a Key);

impl<'de> DeserializeSeed<'de> for ValueOf<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let refused = match &value {
            Value::Text(text) => refusal(&self.0.0, text),
            Value::External(_) => None,
        };
        match refused {
            Some((_, problem)) => Err(D::Error::custom(problem)),
            None => Ok(value),
        }
    }
}

/// The reason why librdkafka rejects a property.
fn refusal(key: &str, value: &str) -> Option<(RDKafkaConfRes, String)> {
    match ClientConfig::new().set(key, value).create_native_config() {
        Err(KafkaError::ClientConfig(kind, problem, ..)) if kind.is_error() => {
            Some((kind, problem))
        }
        _ => None,
    }
}
