//! A reader of the rows of a Parquet file.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int64Type, TimeUnit};
use driftmill_datasets::codec::Classes;
use driftmill_datasets::{Columns, DecodeError, Values};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::config::FileSource;
use super::errors::{failed, no_column};
use super::item::{has_item, items};
use super::rows::{Row, Rows};
use crate::source::SourceError;

/// Decodes rows from the columns that the pipeline names, cast to the types as which they are read.
pub(super) struct ParquetRows {
    source: FileSource,
    classes: Classes,
    batches: ParquetRecordBatchReader,
    open: Option<Batch>,
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

impl ParquetRows {
    /// Continues after the first `skipped` rows.
    pub(super) fn open(source: &FileSource, skipped: u64) -> Result<Self, SourceError> {
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
            .with_offset(skipped as usize)
            .with_batch_size(8192)
            .build()
            .map_err(failed("reading", path))?;
        let classes = match &source.labels {
            Some(names) => Classes::named(names.clone()),
            None => Classes::numbered(None),
        };
        Ok(Self { source: source.clone(), classes, batches, open: None })
    }

    fn batch(&mut self) -> Result<Option<&mut Batch>, SourceError> {
        if self.open.as_ref().is_none_or(|batch| batch.next == batch.len) {
            self.open = match self.batches.next() {
                Some(batch) => {
                    let batch = batch.map_err(failed("reading", &self.source.path))?;
                    Some(Batch::new(&self.source, &batch)?)
                }
                None => None,
            };
        }
        Ok(self.open.as_mut())
    }
}

impl Rows for ParquetRows {
    fn next(&mut self, row: &mut Row) -> Result<bool, SourceError> {
        let Some(batch) = self.batch()? else { return Ok(false) };
        let number = batch.next;
        batch.next += 1;
        row.columns.clear();
        let batch = self.open.as_ref().expect("just read");
        row.decoded = batch.decode(number, &self.source, &self.classes, &mut row.columns);
        if row.decoded.is_err() {
            row.columns.abandon_row();
        }
        Ok(true)
    }
}

/// The columns of one batch.
struct Batch {
    len: usize,
    next: usize,
    features: Vec<ArrayRef>,
    label: Option<ArrayRef>,
    time: Option<ArrayRef>,
}

impl Batch {
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
        Ok(Self {
            len: batch.num_rows(),
            next: 0,
            features: source
                .features
                .iter()
                .map(|name| column(name, &DataType::Float32))
                .collect::<Result<_, _>>()?,
            label: source
                .label
                .as_ref()
                .map(|name| column(name, &read_as(batch, name)))
                .transpose()?,
            time: source.time.as_ref().map(millis).transpose()?,
        })
    }

    fn decode(
        &self,
        row: usize,
        source: &FileSource,
        classes: &Classes,
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
        let label = self.label(row, source, classes)?;
        let time = self.time.as_ref().filter(|times| !times.is_null(row));
        columns.finish_row(time.map(|times| times.as_primitive::<Int64Type>().value(row)), label);
        Ok(())
    }

    fn label(
        &self,
        row: usize,
        source: &FileSource,
        classes: &Classes,
    ) -> Result<Option<u32>, DecodeError> {
        let Some((name, column)) = source.label.as_ref().zip(self.label.as_ref()) else {
            return Ok(None);
        };
        if column.is_null(row) {
            return Ok(None);
        }
        let class = match column.data_type() {
            DataType::Boolean => classes.of_truth(name, column.as_boolean().value(row)),
            DataType::Utf8 => classes.of_text(name, column.as_string::<i32>().value(row)),
            _ => classes.of_number(name, column.as_primitive::<Float64Type>().value(row)),
        };
        class.map(Some)
    }
}

/// The type as which a column of labels is read: booleans, strings, or otherwise numbers.
fn read_as(batch: &RecordBatch, name: &str) -> DataType {
    let found = batch.column_by_name(name).map(|column| column.data_type());
    match found {
        Some(DataType::Boolean) => DataType::Boolean,
        Some(DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) => DataType::Utf8,
        Some(DataType::Dictionary(_, values)) if !values.is_numeric() => DataType::Utf8,
        _ => DataType::Float64,
    }
}
