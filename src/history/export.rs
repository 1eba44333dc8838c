//! The export of samples to a Parquet file.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, FixedSizeBinaryBuilder, FixedSizeListArray, Float32Array, RecordBatch, StringArray,
    TimestampMillisecondArray, UInt8Array, UInt16Array, UInt32Array, UInt64Array,
};
use arrow::datatypes::Field;
use driftmill_datasets::Values;
use driftmill_operators::Position;
use driftmill_operators::{Change, Id, Kind};
use parquet::arrow::ArrowWriter;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::merge::{Merged, Message};
use super::replay::Shown;
use super::{History, HistoryError, SetRow};
use crate::atomic_write::StagedFile;

/// Number of rows that are written at once.
const BATCH: usize = 4096;

/// Number of rows of a row group, which is held in memory.
const ROW_GROUP: usize = 16 * BATCH;

/// The samples to export.
#[derive(Clone, Debug, Default)]
pub struct ExportSelection {
    /// A decision of a branch, whose trained samples are exported. Without it, all samples are exported
    /// except those of keyed topics that were replaced or deleted.
    pub trained: Option<(String, u64)>,
    /// Whether to export the whole training set, including samples that were not trained on.
    pub candidates: bool,
    /// Samples with an earlier event time are left out.
    pub from: Option<i64>,
    /// Samples with this event time or a later one are left out.
    pub to: Option<i64>,
}

/// The samples to export; all samples if it is none.
type Chosen = Option<HashMap<Id, ExtraValues>>;

/// Values of a sample that are not part of its message.
#[derive(Clone, Copy, Debug, Default)]
struct ExtraValues {
    label: Option<u32>,
    weight: f32,
    /// The number of times it was trained on, if that differs between samples.
    times: Option<u64>,
}

impl History {
    /// Writes samples to the Parquet file `path`, in the order of positions. Returns their number.
    ///
    /// The file appears when it is complete. Features are a list column. Training sets have the column
    /// `weight` and, if only a part of the set was trained on, `times`. Memory holds one row group, and an
    /// entry for each sample of a keyed topic or of a training set.
    ///
    /// # Errors
    /// When there is no such decision, the log is damaged, or the file cannot be written.
    pub fn export(&self, wanted: &ExportSelection, path: &Path) -> Result<u64, HistoryError> {
        let chosen = self.chosen(wanted)?;
        let mut staged = StagedFile::begin(path).map_err(HistoryError::file(path))?;
        let rows = self.write(wanted, &chosen, staged.file(), HistoryError::parquet(path))?;
        staged.complete().map_err(HistoryError::file(path))?;
        Ok(rows)
    }

    fn chosen(&self, wanted: &ExportSelection) -> Result<Chosen, HistoryError> {
        if let Some((branch, trigger)) = &wanted.trained {
            let rows = self.set_of(branch, *trigger)?.rows.into_iter();
            let rows = rows.filter(|row| wanted.candidates || row.times != Some(0));
            let wants = |row: SetRow| {
                let SetRow { id, label, weight, times, .. } = row;
                (id, ExtraValues { label: Some(label), weight, times })
            };
            return Ok(Some(rows.map(wants).collect()));
        }
        if self.pipeline.source.keyed().is_none() {
            return Ok(None);
        }
        let there = self.replay(Shown::ALL, HashMap::new(), |there, change: &Change| {
            match change.kind {
                Kind::Insert | Kind::Label => {
                    let label = change.record.label;
                    there
                        .insert(change.record.id(), ExtraValues { label, ..ExtraValues::default() })
                }
                Kind::Retract | Kind::Delete => there.remove(&change.record.id()),
            };
        })?;
        Ok(Some(there))
    }

    fn write(
        &self,
        wanted: &ExportSelection,
        chosen: &Chosen,
        file: &mut File,
        failed: impl Fn(ParquetError) -> HistoryError,
    ) -> Result<u64, HistoryError> {
        let first = self.batch(&[], wanted, chosen)?;
        let groups =
            WriterProperties::builder().set_max_row_group_row_count(Some(ROW_GROUP)).build();
        let mut writer =
            ArrowWriter::try_new(file, first.schema(), Some(groups)).map_err(&failed)?;
        let (mut messages, mut rows) = (Vec::with_capacity(BATCH), 0);
        let in_time = |message: &Message| {
            wanted.from.is_none_or(|from| message.time >= from)
                && wanted.to.is_none_or(|to| message.time < to)
        };
        for message in Merged::new(&self.log, &self.partitions) {
            let mut message = message?;
            if let Some(chosen) = chosen {
                let Some(wants) = chosen.get(&message.id) else { continue };
                message.label = wants.label;
            }
            if !in_time(&message) {
                continue;
            }
            messages.push(message);
            if messages.len() == BATCH {
                writer.write(&self.batch(&messages, wanted, chosen)?).map_err(&failed)?;
                rows += messages.len() as u64;
                messages.clear();
            }
        }
        writer.write(&self.batch(&messages, wanted, chosen)?).map_err(&failed)?;
        writer.close().map_err(&failed)?;
        Ok(rows + messages.len() as u64)
    }

    fn batch(
        &self,
        messages: &[Message],
        wanted: &ExportSelection,
        chosen: &Chosen,
    ) -> Result<RecordBatch, HistoryError> {
        let ids: Vec<Id> = messages.iter().map(|message| message.id).collect();
        let topic = |message: &Message| self.place(Position::new(0, message.id)).topic;
        let times = |of: fn(&Message) -> i64| -> ArrayRef {
            Arc::new(TimestampMillisecondArray::from_iter_values(messages.iter().map(of)))
        };
        let mut keys = FixedSizeBinaryBuilder::with_capacity(messages.len(), 16);
        for message in messages {
            match message.key {
                0 => keys.append_null(),
                key => keys.append_value(key.to_be_bytes())?,
            }
        }
        let labels: UInt32Array = messages.iter().map(|message| message.label).collect();
        let mut columns: Vec<(&str, ArrayRef, bool)> = vec![
            ("id", Arc::new(UInt64Array::from_iter_values(ids.iter().map(|id| id.0))), false),
            ("topic", Arc::new(StringArray::from_iter_values(messages.iter().map(topic))), false),
            (
                "partition",
                Arc::new(UInt16Array::from_iter_values(ids.iter().map(|id| id.partition()))),
                false,
            ),
            (
                "offset",
                Arc::new(UInt64Array::from_iter_values(ids.iter().map(|id| id.offset()))),
                false,
            ),
            ("position_time", times(|message| message.position_time), false),
            ("time", times(|message| message.time), false),
            ("key", Arc::new(keys.finish()), true),
            ("label", Arc::new(labels), true),
            ("features", self.features(&ids)?, false),
        ];
        if let Some(chosen) = chosen.as_ref().filter(|_| wanted.trained.is_some()) {
            let wants = ids.iter().map(|id| chosen.get(id).copied().unwrap_or_default());
            let weights = wants.clone().map(|wants| wants.weight);
            columns.push(("weight", Arc::new(Float32Array::from_iter_values(weights)), false));
            let times: UInt64Array = wants.map(|wants| wants.times).collect();
            columns.push(("times", Arc::new(times), true));
        }
        Ok(RecordBatch::try_from_iter_with_nullable(columns)?)
    }

    fn features(&self, ids: &[Id]) -> Result<ArrayRef, HistoryError> {
        let schema = self.log.schema();
        let mut values = Values::new(schema.value);
        self.log.gather(ids, &mut values)?;
        let items: ArrayRef = match values {
            Values::F32(values) => Arc::new(Float32Array::from(values)),
            Values::U8(values) => Arc::new(UInt8Array::from(values)),
        };
        let item = Arc::new(Field::new_list_field(items.data_type().clone(), false));
        Ok(Arc::new(FixedSizeListArray::try_new(item, schema.width() as i32, items, None)?))
    }
}
