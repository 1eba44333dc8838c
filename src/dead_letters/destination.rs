//! Destinations of dead letters.

use std::time::Duration;

use super::{DeadLetter, DeadLetterError};

/// A destination of dead letters.
pub(super) trait Destination: Send {
    /// Appends dead letters.
    fn write(&mut self, dead_letters: &[DeadLetter]) -> Result<(), DeadLetterError>;

    /// Keeps only dead letters that are `known`, if the destination can remove others.
    fn retain(&mut self, _known: &dyn Fn(&DeadLetter) -> bool) -> Result<(), DeadLetterError> {
        Ok(())
    }

    /// Waits until all dead letters are durable, at most for `time`. Returns whether they are.
    fn sync(&mut self, time: Duration) -> Result<bool, DeadLetterError>;
}
