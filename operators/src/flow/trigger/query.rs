//! Questions of trigger policies to a model.

use crate::Position;
use crate::trigger::Question;

/// A question to a version of the model.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelQuery {
    /// The position of the change that caused the question.
    pub position: Position,
    /// The version that answers; none before the first version.
    pub version: Option<u64>,
    /// The question.
    pub question: Question,
}
