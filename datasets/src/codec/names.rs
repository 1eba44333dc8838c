use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A list of names: at least one where it is written, none empty, no two alike.
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

/// Why a list of names is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NameError {
    /// The list is empty.
    #[error("wanted at least one name")]
    None,
    /// A name has no letters.
    #[error("wanted names, found an empty one")]
    Empty,
    /// A name occurs more than once.
    #[error("`{0}` stands twice")]
    Twice(String),
}

impl Names {
    /// Whether the list was not written.
    pub fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// The place of `name` in the list.
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
