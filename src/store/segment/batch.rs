//! A batch of rows and its Arrow format.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeBinaryArray, FixedSizeListArray, Float32Array, Int64Array,
    RecordBatch, UInt8Array, UInt32Array, UInt64Array,
};
use arrow::datatypes::{
    DataType, Field, Float32Type, Int64Type, Schema as ArrowSchema, SchemaRef, UInt8Type,
    UInt32Type, UInt64Type,
};
use arrow::error::ArrowError;
use driftmill_datasets::{Schema, ValueType, Values};
use driftmill_operators::{Change, Id, Kind, Position, Record};

/// The key of the samples' shape in a segment's metadata.
const SHAPE: &str = "driftmill.shape";

/// The kind of a row of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum RowKind {
    /// A sample.
    Put = 0,
    /// The deletion of a key.
    Delete = 1,
    /// A label for a key.
    Label = 2,
    /// An invalid message. Its bytes are in the dead letters.
    Invalid = 3,
    /// A sample whose features were erased: they are zeros.
    Erased = 4,
}

impl RowKind {
    /// The kind with this number in a row of the log.
    pub fn of(kind: u8) -> Option<Self> {
        [Self::Put, Self::Delete, Self::Label, Self::Invalid, Self::Erased]
            .into_iter()
            .find(|found| *found as u8 == kind)
    }

    /// Whether a row of this kind is a sample.
    pub fn is_sample(self) -> bool {
        matches!(self, Self::Put | Self::Erased)
    }

    /// Its name, in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Put => "put",
            Self::Delete => "delete",
            Self::Label => "label",
            Self::Invalid => "invalid",
            Self::Erased => "erased",
        }
    }
}

/// Rows of one partition, in the order of offsets, ready for the log.
///
/// All columns have one entry per row. `values` has a row of zeros for each row that is not a sample.
#[derive(Clone, Debug)]
pub struct LogBatch {
    /// Ids, ascending, all of one partition.
    pub ids: Vec<u64>,
    /// Position times, in milliseconds since 1970.
    pub position_times: Vec<i64>,
    /// The samples' own event times, in milliseconds since 1970.
    pub times: Vec<i64>,
    /// The kind of each row.
    pub kinds: Vec<u8>,
    /// Key hashes; 0 without a key.
    pub keys: Vec<u128>,
    /// Classes, if known.
    pub labels: Vec<Option<u32>>,
    /// Features, row after row.
    pub values: Values,
    /// Highest event time of the partition up to the last row, in milliseconds since 1970.
    pub highest: i64,
    /// Number of late samples.
    pub late: u32,
}

impl LogBatch {
    /// Creates a batch without rows.
    pub fn new(value: ValueType) -> Self {
        Self {
            ids: Vec::new(),
            position_times: Vec::new(),
            times: Vec::new(),
            kinds: Vec::new(),
            keys: Vec::new(),
            labels: Vec::new(),
            values: Values::new(value),
            highest: i64::MIN,
            late: 0,
        }
    }

    /// The changes of its rows, in the order of offsets. `keyed` is whether messages of the source have keys.
    pub fn changes(&self, keyed: bool) -> Vec<Change> {
        let record = |row: usize| Record {
            position: Position::new(self.position_times[row], Id(self.ids[row])),
            key: if keyed { self.keys[row] } else { 0 },
            time: self.times[row],
            label: self.labels[row],
        };
        let change = |row: usize| Some(Change::new(kind_of(self.kinds[row])?, record(row)));
        (0..self.len()).filter_map(change).collect()
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Number of rows of a kind.
    pub(in crate::store) fn count(&self, kind: RowKind) -> u32 {
        self.kinds.iter().filter(|found| **found == kind as u8).count() as u32
    }

    /// Ids of the first and the last row.
    pub(in crate::store) fn ends(&self) -> Option<(Id, Id)> {
        Some((Id(*self.ids.first()?), Id(*self.ids.last()?)))
    }

    /// Appends rows of [`arrow_schema`]. Returns false if they have another schema.
    pub(in crate::store) fn extend(&mut self, rows: &RecordBatch) -> bool {
        let mut take = || {
            let [ids, position_times, times, kinds, keys, labels, features] = rows.columns() else {
                return None;
            };
            let features = features.as_fixed_size_list_opt()?;
            // without the rows before and after a slice.
            let width = features.value_length() as usize;
            let items = features.values().slice(features.offset() * width, features.len() * width);
            match &mut self.values {
                Values::F32(values) => {
                    values.extend_from_slice(items.as_primitive_opt::<Float32Type>()?.values());
                }
                Values::U8(values) => {
                    values.extend_from_slice(items.as_primitive_opt::<UInt8Type>()?.values());
                }
            }
            self.ids.extend_from_slice(ids.as_primitive_opt::<UInt64Type>()?.values());
            let times = times.as_primitive_opt::<Int64Type>()?;
            self.position_times
                .extend_from_slice(position_times.as_primitive_opt::<Int64Type>()?.values());
            self.times.extend_from_slice(times.values());
            self.kinds.extend_from_slice(kinds.as_primitive_opt::<UInt8Type>()?.values());
            let keys = keys.as_fixed_size_binary_opt()?.iter().flatten();
            self.keys
                .extend(keys.filter_map(|key| Some(u128::from_be_bytes(key.try_into().ok()?))));
            self.labels.extend(labels.as_primitive_opt::<UInt32Type>()?.iter());
            Some(())
        };
        take().is_some()
    }

    /// Converts the rows to a record batch of [`arrow_schema`], without copying the columns.
    pub(in crate::store) fn into_arrow(self, schema: &Schema) -> Result<RecordBatch, ArrowError> {
        let keys = self.keys.iter().flat_map(|key| key.to_be_bytes()).collect::<Vec<u8>>();
        let items: ArrayRef = match self.values {
            Values::F32(values) => Arc::new(Float32Array::from(values)),
            Values::U8(values) => Arc::new(UInt8Array::from(values)),
        };
        let item = Arc::new(Field::new_list_field(items.data_type().clone(), false));
        let columns: Vec<ArrayRef> = vec![
            Arc::new(UInt64Array::from(self.ids)),
            Arc::new(Int64Array::from(self.position_times)),
            Arc::new(Int64Array::from(self.times)),
            Arc::new(UInt8Array::from(self.kinds)),
            Arc::new(FixedSizeBinaryArray::try_new(16, keys.into(), None)?),
            Arc::new(UInt32Array::from(self.labels)),
            Arc::new(FixedSizeListArray::try_new(item, schema.width() as i32, items, None)?),
        ];
        RecordBatch::try_new(arrow_schema(schema), columns)
    }
}

/// Columns of a segment.
pub(in crate::store) fn arrow_schema(schema: &Schema) -> SchemaRef {
    let value = match schema.value {
        ValueType::F32 => DataType::Float32,
        ValueType::U8 => DataType::UInt8,
    };
    let item = Arc::new(Field::new_list_field(value, false));
    let shape = schema.shape.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
    let fields = vec![
        Field::new("id", DataType::UInt64, false),
        Field::new("position_time", DataType::Int64, false),
        Field::new("time", DataType::Int64, false),
        Field::new("kind", DataType::UInt8, false),
        Field::new("key", DataType::FixedSizeBinary(16), false),
        Field::new("label", DataType::UInt32, true),
        Field::new("features", DataType::FixedSizeList(item, schema.width() as i32), false),
    ];
    let shape = HashMap::from([(SHAPE.to_owned(), shape)]);
    Arc::new(ArrowSchema::new(fields).with_metadata(shape))
}

/// The schema of samples, derived from the columns of [`arrow_schema`].
pub(in crate::store) fn schema_of(columns: &ArrowSchema) -> Option<Schema> {
    let DataType::FixedSizeList(item, _) = columns.field_with_name("features").ok()?.data_type()
    else {
        return None;
    };
    let value = match item.data_type() {
        DataType::Float32 => ValueType::F32,
        DataType::UInt8 => ValueType::U8,
        _ => return None,
    };
    let shape = columns.metadata().get(SHAPE)?.split(',').map(|side| side.parse().ok());
    Some(Schema { value, shape: shape.collect::<Option<_>>()? })
}

/// The kind of change of a row; none for an invalid message.
fn kind_of(row: u8) -> Option<Kind> {
    const PUT: u8 = RowKind::Put as u8;
    const ERASED: u8 = RowKind::Erased as u8;
    const DELETE: u8 = RowKind::Delete as u8;
    const LABEL: u8 = RowKind::Label as u8;
    match row {
        // every policy has observed it, and its existence still counts.
        PUT | ERASED => Some(Kind::Insert),
        DELETE => Some(Kind::Delete),
        LABEL => Some(Kind::Label),
        _ => None,
    }
}
