//! Lists of names in pipeline files.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A list of different names, none of them empty. A list in a pipeline file has at least one name.
///
/// ```
/// use driftmill_datasets::codec::Names;
///
/// let names: Names = vec!["down".to_owned(), "up".to_owned()].try_into().unwrap();
/// assert_eq!(names.position("up"), Some(1));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Vec<String>")]
pub struct Names(Vec<String>);

/// The error for an invalid list of names.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NameError {
    /// The list is empty.
    #[error("wanted at least one name")]
    None,
    /// A name is empty.
    #[error("wanted names, found an empty one")]
    Empty,
    /// A name occurs more than once.
    #[error("`{0}` occurs twice")]
    Twice(String),
}

impl Names {
    /// Whether the pipeline file has no such list.
    pub fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// The index of `name` in the list.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|other| other == name)
    }
}

impl std::ops::Deref for Names {
    type Target = [String];

    fn deref(&self) -> &[String] {
        &self.0
    }
}

impl TryFrom<Vec<String>> for Names {
    type Error = NameError;

    fn try_from(names: Vec<String>) -> Result<Self, NameError> {
        let mut sorted: Vec<&String> = names.iter().collect();
        sorted.sort();
        let twice = sorted.windows(2).find(|pair| pair[0] == pair[1]);
        match (sorted.first(), twice) {
            (None, _) => Err(NameError::None),
            (Some(first), _) if first.is_empty() => Err(NameError::Empty),
            (_, Some(pair)) => Err(NameError::Twice(pair[0].clone())),
            _ => Ok(Self(names)),
        }
    }
}
