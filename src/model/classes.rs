//! A number of classes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A number of classes: two or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "u32", into = "u32")]
#[schemars(with = "u32")]
pub struct Classes(u32);

impl Classes {
    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl Default for Classes {
    fn default() -> Self {
        Self(2)
    }
}

impl TryFrom<u32> for Classes {
    type Error = String;

    fn try_from(classes: u32) -> Result<Self, String> {
        if classes < 2 {
            return Err(format!("a model needs two or more classes, not {classes}"));
        }
        Ok(Self(classes))
    }
}

impl From<Classes> for u32 {
    fn from(classes: Classes) -> Self {
        classes.0
    }
}
