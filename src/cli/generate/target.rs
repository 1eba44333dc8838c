//! Destinations of samples.

use driftmill_datasets::Columns;

/// The destination of samples.
pub(super) trait Target {
    /// Writes rows of `columns`, whose event times are `times`.
    fn write(&mut self, columns: &Columns, times: &[i64]) -> anyhow::Result<()>;

    /// Completes the written data.
    fn finish(self: Box<Self>) -> anyhow::Result<()>;
}
