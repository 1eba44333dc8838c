//! The delimiter of CSV fields.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The character between two fields: one byte that neither numbers nor quoting use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "char", into = "char")]
pub struct Delimiter(u8);

/// The error for a character that cannot separate fields.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("wanted a character such as `,`, `;`, `|` or a tab, found {0:?}")]
pub struct DelimiterError(char);

impl Delimiter {
    /// The byte.
    pub fn get(self) -> u8 {
        self.0
    }
}

impl Default for Delimiter {
    fn default() -> Self {
        Self(b',')
    }
}

impl TryFrom<char> for Delimiter {
    type Error = DelimiterError;

    fn try_from(character: char) -> Result<Self, DelimiterError> {
        match u8::try_from(character) {
            Ok(byte @ (b'\t' | b' '..=b'~'))
                if !byte.is_ascii_alphanumeric() && !b"\"+-.".contains(&byte) =>
            {
                Ok(Self(byte))
            }
            _ => Err(DelimiterError(character)),
        }
    }
}

impl From<Delimiter> for char {
    fn from(delimiter: Delimiter) -> Self {
        Self::from(delimiter.0)
    }
}
