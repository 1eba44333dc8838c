//! The `[store]` table of a pipeline file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Rolling, Tier};

/// How the log is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    /// When a segment is full.
    pub segment: Rolling,
    /// The object store for complete segments (default: none).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
}

impl Store {
    /// Whether it says nothing.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
