//! The `[store]` table of a pipeline file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Rolling, Tier};

/// The storage of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    /// The limits of a segment.
    pub segment: Rolling,
    /// The object store for complete segments (default: none).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
}

impl Store {
    /// Whether the table has its default values.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
