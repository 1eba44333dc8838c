//! A version as a CloudEvent in binary mode.

use rdkafka::message::{BorrowedMessage, Header, Headers, Message, OwnedHeaders};

use crate::catalog::{Version, run_of};
use crate::sink::Published;

/// A version as a CloudEvent in binary mode.
pub(super) struct Event {
    /// The identity of the version, as it is read back.
    pub(super) published: Published,
    pub(super) key: String,
    pub(super) value: Vec<u8>,
    pub(super) headers: OwnedHeaders,
}

const TYPE: &str = "io.driftmill.model.version";

impl Event {
    pub(super) fn of(version: &Version) -> Self {
        Self {
            published: Published::of(version),
            key: version.model.clone(),
            value: serde_json::to_vec(version).expect("a version is plain data"),
            headers: headers(version),
        }
    }

    /// The event of `model` in a message; none for other messages.
    pub(super) fn read(message: &BorrowedMessage<'_>, model: &str) -> Option<Self> {
        if message.key() != Some(model.as_bytes()) {
            return None;
        }
        let headers = message.headers()?;
        let header = |name: &str| {
            let value = headers.iter().find(|header| header.key == name)?.value?;
            std::str::from_utf8(value).ok()
        };
        if header("ce_type") != Some(TYPE) {
            return None;
        }
        let value: serde_json::Value = serde_json::from_slice(message.payload()?).ok()?;
        let published = Published {
            run: run_of(header("ce_id")?).to_owned(),
            version: header("ce_subject")?.parse().ok()?,
            sha256: value["artifact"]["sha256"].as_str()?.to_owned(),
        };
        Some(Self {
            published,
            key: model.to_owned(),
            value: message.payload()?.to_vec(),
            headers: headers.detach(),
        })
    }
}

/// The attributes of the event.
fn headers(version: &Version) -> OwnedHeaders {
    let source = format!("/driftmill/{}", version.model);
    let subject = version.version.to_string();
    let attributes = [
        ("ce_specversion", "1.0"),
        ("ce_id", &version.id),
        ("ce_source", &source),
        ("ce_type", TYPE),
        ("ce_subject", &subject),
        ("ce_time", &version.created),
        ("content-type", "application/json"),
    ];
    attributes.into_iter().fold(OwnedHeaders::new(), |headers, (key, value)| {
        headers.insert(Header { key, value: Some(value) })
    })
}
