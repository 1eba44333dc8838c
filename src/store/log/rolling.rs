//! The limits of a segment, after which the next one begins.

use driftmill_operators::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::store::Size;

/// The limits of a segment of the log. When it is full, the next one begins. Retention removes whole
/// segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rolling {
    /// Maximum size of a segment (default `"256MiB"`).
    pub size: Size,
    /// Event time after which a segment is full although it has space (default: no limit).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age: Option<Span>,
}

impl Default for Rolling {
    fn default() -> Self {
        Self { size: Size(256 << 20), age: None }
    }
}
