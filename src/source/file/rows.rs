//! Decoded rows of a file of any format.

use driftmill_datasets::{Columns, DecodeError, Schema};

use crate::source::SourceError;

/// Decodes the rows of a file one after the other.
pub(super) trait Rows {
    /// Decodes the next row into `row`; false when there is none.
    ///
    /// # Errors
    /// When the file cannot be read. A row that is not a sample is no error.
    fn next(&mut self, row: &mut Row) -> Result<bool, SourceError>;
}

/// A row of a file.
pub(super) struct Row {
    /// Its bytes, if they can be shown.
    pub(super) payload: Vec<u8>,
    /// The sample, if it is one.
    pub(super) columns: Columns,
    /// The reason why it is not a sample.
    pub(super) decoded: Result<(), DecodeError>,
}

impl Row {
    pub(super) fn new(schema: Schema) -> Self {
        Self { payload: Vec::new(), columns: Columns::new(schema), decoded: Ok(()) }
    }

    /// The row's own event time, in milliseconds since 1970.
    pub(super) fn time(&self) -> Option<i64> {
        self.columns.times.first().copied().flatten().filter(|_| self.decoded.is_ok())
    }
}
