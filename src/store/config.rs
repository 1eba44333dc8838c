use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Rolling;

/// How the log is kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    /// When a segment is full.
    pub segment: Rolling,
}

impl Store {
    /// Whether it says nothing.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
