//! Reads the rows of a Parquet file.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type, Int64Type, TimeUnit};
use driftmill_datasets::codec::Names;
use driftmill_datasets::{Columns, DecodeError, Values};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::item::{has_item, items};
use super::{FileSource, failed, no_column};
use crate::source::{Fetched, Progress, RawMessage, Reader, SourceError};

/// Reads rows from the columns that the pipeline names, cast to what they are read as.
pub(super) struct ParquetReader {
    source: FileSource,
    batches: ParquetRecordBatchReader,
    open: Option<Rows>,
    next: u64,
    end: u64,
}

/// The metadata of the file.
fn metadata(path: &Path) -> Result<ParquetRecordBatchReaderBuilder<File>, SourceError> {
    let file = File::open(path).map_err(failed("opening", path))?;
    ParquetRecordBatchReaderBuilder::try_new(file).map_err(failed("reading", path))
}

/// Number of rows.
pub(super) fn rows(path: &Path) -> Result<u64, SourceError> {
    let rows = metadata(path)?.metadata().file_metadata().num_rows();
    Ok(u64::try_from(rows).unwrap_or_default())
}

impl ParquetReader {
    /// Reads the rows from `start` to before `end`.
    pub(super) fn open(source: &FileSource, start: u64, end: u64) -> Result<Self, SourceError> {
        let path = &source.path;
        let builder = metadata(path)?;
        let found: Vec<String> =
            builder.schema().fields().iter().map(|field| field.name().clone()).collect();
        for column in source.features.iter().chain(&source.label).chain(&source.time) {
            let item = source.features.contains(column) && has_item(builder.schema(), column);
            if !found.contains(column) && !item {
                return Err(no_column(path, column, &found));
            }
        }
        let batches = builder
            .with_offset(start as usize)
            .with_limit(end.saturating_sub(start) as usize)
            .with_batch_size(8192)
            .build()
            .map_err(failed("reading", path))?;
        Ok(Self { source: source.clone(), batches, open: None, next: start, end })
    }

    fn rows(&mut self) -> Result<Option<&mut Rows>, SourceError> {
        if self.open.as_ref().is_none_or(|rows| rows.next == rows.len) {
            self.open = match self.batches.next() {
                Some(batch) => {
                    let batch = batch.map_err(failed("reading", &self.source.path))?;
                    Some(Rows::new(&self.source, &batch)?)
                }
                None => None,
            };
        }
        Ok(self.open.as_mut())
    }
}

impl Reader for ParquetReader {
    fn poll(
        &mut self,
        _slot: usize,
        most: usize,
        fetched: &mut Fetched<'_>,
    ) -> Result<Progress, SourceError> {
        let names = self.source.clone();
        for _ in 0..most {
            let (offset, computed) = (self.next, self.source.time_of(self.next));
            let Some(rows) = self.rows()? else { return Ok(Progress::End) };
            let row = rows.next;
            rows.next += 1;
            let raw = RawMessage { offset, timestamp: computed, key: None, payload: &[] };
            match rows.decode(row, &names, &mut fetched.columns) {
                Ok(()) => fetched.accept(raw),
                Err(error) => {
                    fetched.columns.abandon_row();
                    fetched.refuse(raw, error);
                }
            }
            self.next += 1;
        }
        Ok(Progress::More)
    }

    fn left(&self, _slot: usize) -> Option<u64> {
        Some(self.end.saturating_sub(self.next))
    }
}

/// The columns of one batch.
struct Rows {
    len: usize,
    next: usize,
    features: Vec<ArrayRef>,
    label: Option<ArrayRef>,
    time: Option<ArrayRef>,
}

impl Rows {
    fn new(source: &FileSource, batch: &RecordBatch) -> Result<Self, SourceError> {
        let column = |name: &String, to: &DataType| {
            let found = match batch.column_by_name(name) {
                Some(found) => Ok(Arc::clone(found)),
                None => items(batch, name).expect("checked when the file was opened"),
            };
            found
                .and_then(|found| cast(&found, to))
                .map_err(failed("reading a column of", &source.path))
        };
        let millis = |name: &String| {
            let found = batch.column_by_name(name).expect("checked when the file was opened");
            let to = DataType::Timestamp(TimeUnit::Millisecond, None);
            let timestamps = match found.data_type() {
                DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 | DataType::Utf8 => {
                    cast(found, &to).and_then(|cast_once| cast(&cast_once, &DataType::Int64))
                }
                _ => cast(found, &DataType::Int64),
            };
            timestamps.map_err(failed("reading the time column of", &source.path))
        };
        let label = if source.labels.is_some() { DataType::Utf8 } else { DataType::Int64 };
        Ok(Self {
            len: batch.num_rows(),
            next: 0,
            features: source
                .features
                .iter()
                .map(|name| column(name, &DataType::Float32))
                .collect::<Result<_, _>>()?,
            label: source.label.as_ref().map(|name| column(name, &label)).transpose()?,
            time: source.time.as_ref().map(millis).transpose()?,
        })
    }

    fn decode(
        &self,
        row: usize,
        source: &FileSource,
        columns: &mut Columns,
    ) -> Result<(), DecodeError> {
        let Values::F32(values) = &mut columns.values else {
            unreachable!("rows of numbers are floats")
        };
        for (name, column) in source.features.iter().zip(&self.features) {
            let value = column.as_primitive::<Float32Type>().value(row);
            if column.is_null(row) || !value.is_finite() {
                let found = if column.is_null(row) { "null".into() } else { value.to_string() };
                let wanted = "a finite number".into();
                return Err(DecodeError::Value { column: name.clone(), wanted, found });
            }
            values.push(value);
        }
        let label = self.label(row, source)?;
        let time = self.time.as_ref().filter(|times| !times.is_null(row));
        columns.finish_row(time.map(|times| times.as_primitive::<Int64Type>().value(row)), label);
        Ok(())
    }

    fn label(&self, row: usize, source: &FileSource) -> Result<Option<u32>, DecodeError> {
        let Some((name, column)) = source.label.as_ref().zip(self.label.as_ref()) else {
            return Ok(None);
        };
        if column.is_null(row) {
            return Ok(None);
        }
        let refused = |wanted: &str, found: String| DecodeError::Value {
            column: name.clone(),
            wanted: wanted.to_owned(),
            found,
        };
        match &source.labels {
            Some(names) => {
                let found = column.as_string::<i32>().value(row).to_owned();
                let index = Names::position(names, &found);
                index
                    .map(|index| Some(index as u32))
                    .ok_or_else(|| refused("one of `labels`", found))
            }
            None => {
                let found = column.as_primitive::<Int64Type>().value(row);
                let label = u32::try_from(found);
                label.map(Some).map_err(|_| refused("a class from 0 up", found.to_string()))
            }
        }
    }
}
