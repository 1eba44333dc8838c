//! Segments as Parquet files.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::ipc::reader::StreamReader;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::ChunkReader;

use crate::store::StoreError;

/// Encodes the rows of a segment, given as its bytes, as a Parquet file.
///
/// # Errors
/// When the bytes are not an Arrow stream.
pub(in crate::store) fn to_parquet(arrow: &[u8]) -> Result<Vec<u8>, StoreError> {
    let batches = StreamReader::try_new(arrow, None)?;
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let written = || {
        let mut writer = ArrowWriter::try_new(Vec::new(), batches.schema(), Some(properties))?;
        for batch in batches {
            writer.write(&batch?)?;
        }
        writer.into_inner()
    };
    written().map_err(|source| StoreError::Parquet { place: "a segment".to_owned(), source })
}

/// The rows of a Parquet file, read in parts of a requested size.
pub(in crate::store) struct Rows {
    url: String,
    schema: SchemaRef,
    batches: ParquetRecordBatchReader,
    /// The rest of the last batch.
    rest: Option<RecordBatch>,
}

impl Rows {
    /// The rows of the file at `url`, whose content is `bytes`.
    ///
    /// # Errors
    /// When the bytes are not a Parquet file.
    pub(in crate::store) fn of(
        url: &str,
        bytes: impl ChunkReader + 'static,
    ) -> Result<Self, StoreError> {
        let failed = |source| failed(url, source);
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).map_err(failed)?;
        // the reader's own schema has no metadata.
        let schema = Arc::clone(reader.schema());
        let batches = reader.build().map_err(failed)?;
        Ok(Self { url: url.to_owned(), schema, batches, rest: None })
    }

    /// The schema of the rows.
    pub(in crate::store) fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Visits the next `count` rows, in one or more parts. Returns false if there are fewer.
    ///
    /// # Errors
    /// When the file is damaged.
    pub(in crate::store) fn next(
        &mut self,
        mut count: usize,
        mut show: impl FnMut(&RecordBatch) -> bool,
    ) -> Result<bool, StoreError> {
        while count > 0 {
            let batch = match self.rest.take() {
                Some(rest) => rest,
                None => match self.batches.next() {
                    Some(batch) => batch.map_err(|source| failed(&self.url, source.into()))?,
                    None => return Ok(false),
                },
            };
            let shown = count.min(batch.num_rows());
            if !show(&batch.slice(0, shown)) {
                return Ok(false);
            }
            count -= shown;
            let left = batch.num_rows() - shown;
            self.rest = (left > 0).then(|| batch.slice(shown, left));
        }
        Ok(true)
    }
}

fn failed(url: &str, source: ParquetError) -> StoreError {
    StoreError::Parquet { place: url.to_owned(), source }
}
