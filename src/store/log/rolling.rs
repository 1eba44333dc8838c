//! When a segment is complete and the next one begins.

use driftmill_operators::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::store::Size;

/// When a segment of the log is full and the next one is begun; what retention removes are whole
/// segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rolling {
    /// Room of a segment (default `"256MiB"`).
    pub size: Size,
    /// Event time after which a segment is full though there is room (default: any).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age: Option<Span>,
}

impl Default for Rolling {
    fn default() -> Self {
        Self { size: Size(256 << 20), age: None }
    }
}
