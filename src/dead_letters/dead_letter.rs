//! A dead letter: an invalid message with its origin and the reason.

use serde::{Deserialize, Serialize};

/// An invalid message, with all data that is needed to understand it and to send it again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Topic, file or generator.
    pub topic: String,
    /// Partition of the topic.
    pub partition: u16,
    /// Offset in the partition.
    pub offset: u64,
    /// The record's timestamp, in milliseconds since 1970.
    pub timestamp: Option<i64>,
    /// The stage that rejected it: `decode` or `order`.
    pub stage: String,
    /// The error's class.
    pub error: String,
    /// The error's text.
    pub reason: String,
    /// The run that rejected it.
    #[serde(default)]
    pub run: String,
    /// The message's key, in Base64.
    #[serde(with = "optional_base64")]
    pub key: Option<Vec<u8>>,
    /// The message's bytes, in Base64.
    #[serde(with = "base64")]
    pub payload: Vec<u8>,
    /// Set if the bytes were left out because the topic of dead letters rejects them.
    #[serde(default)]
    pub omitted: Option<Omitted>,
}

/// A payload that is left out of a dead letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Omitted {
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
}

impl DeadLetter {
    /// The identity of the message: `topic/partition/offset`.
    pub fn message(&self) -> String {
        format!("{}/{}/{}", self.topic, self.partition, self.offset)
    }
}

mod base64 {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(from)?).map_err(D::Error::custom)
    }
}

mod optional_base64 {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Bytes(#[serde(with = "super::base64")] Vec<u8>);

    pub(super) fn serialize<S: Serializer>(
        key: &Option<Vec<u8>>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        key.clone().map(Bytes).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Vec<u8>>, D::Error> {
        Ok(Option::<Bytes>::deserialize(from)?.map(|key| key.0))
    }
}
