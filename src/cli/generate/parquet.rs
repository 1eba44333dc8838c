//! Writes generated samples to a Parquet file.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use arrow::array::{ArrayRef, Float32Array, RecordBatch, TimestampMillisecondArray, UInt32Array};
use driftmill_datasets::{Columns, Values};
use parquet::arrow::ArrowWriter;

use super::target::Target;

/// A Parquet file with a column for each feature, `class` and `time`.
pub(super) struct ParquetFile {
    names: Vec<String>,
    file: Option<File>,
    writer: Option<ArrowWriter<File>>,
}

impl ParquetFile {
    pub(super) fn create(path: &Path, names: &[String]) -> anyhow::Result<Self> {
        let file = File::create(path).with_context(|| format!("creating `{}`", path.display()))?;
        Ok(Self { names: names.to_vec(), file: Some(file), writer: None })
    }

    fn batch(&self, columns: &Columns, times: &[i64]) -> anyhow::Result<RecordBatch> {
        let width = self.names.len();
        let floats: Vec<f32> = match &columns.values {
            Values::F32(values) => values.clone(),
            Values::U8(values) => values.iter().map(|value| f32::from(*value)).collect(),
        };
        let feature = |feature: usize| -> ArrayRef {
            let values = floats.iter().skip(feature).step_by(width).copied();
            Arc::new(Float32Array::from_iter_values(values))
        };
        let features = self.names.iter().enumerate().map(|(i, name)| (name.as_str(), feature(i)));
        let class: ArrayRef = Arc::new(UInt32Array::from(columns.labels.clone()));
        let time: ArrayRef = Arc::new(TimestampMillisecondArray::from(times.to_vec()));
        Ok(RecordBatch::try_from_iter(features.chain([("class", class), ("time", time)]))?)
    }
}

impl Target for ParquetFile {
    fn write(&mut self, columns: &Columns, times: &[i64]) -> anyhow::Result<()> {
        let batch = self.batch(columns, times)?;
        if let Some(file) = self.file.take() {
            self.writer = Some(ArrowWriter::try_new(file, batch.schema(), None)?);
        }
        let writer = self.writer.as_mut().expect("opened with the first batch");
        Ok(writer.write(&batch)?)
    }

    fn finish(self: Box<Self>) -> anyhow::Result<()> {
        if let Some(writer) = self.writer {
            writer.close()?;
        }
        Ok(())
    }
}
