//! Samples as columns, which codecs and generators fill and training reads.

use serde::{Deserialize, Serialize};

/// Type of one feature value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueType {
    /// 32-bit float.
    F32,
    /// Byte, as in images.
    U8,
}

/// Shape and type of a sample's features.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    /// Type of each value.
    pub value: ValueType,
    /// `[features]` for rows, `[channels, height, width]` for images.
    pub shape: Vec<usize>,
}

impl Schema {
    /// Values in one sample.
    pub fn width(&self) -> usize {
        self.shape.iter().product()
    }

    /// Bytes of one sample's features.
    pub fn bytes(&self) -> usize {
        self.width() * if self.value == ValueType::F32 { 4 } else { 1 }
    }
}

/// Feature values of several samples, row after row.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Floats, `rows × width`.
    F32(Vec<f32>),
    /// Bytes, `rows × width`.
    U8(Vec<u8>),
}

impl Values {
    /// Creates an empty list of values.
    pub fn new(value: ValueType) -> Self {
        match value {
            ValueType::F32 => Self::F32(Vec::new()),
            ValueType::U8 => Self::U8(Vec::new()),
        }
    }

    /// Number of values (not of rows).
    pub fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::U8(values) => values.len(),
        }
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The floats, for appending.
    ///
    /// # Panics
    /// When the values are bytes.
    pub fn floats(&mut self) -> &mut Vec<f32> {
        match self {
            Self::F32(values) => values,
            Self::U8(_) => panic!("columns of bytes, wanted floats"),
        }
    }

    /// The bytes, for appending.
    ///
    /// # Panics
    /// When the values are floats.
    pub fn bytes(&mut self) -> &mut Vec<u8> {
        match self {
            Self::U8(values) => values,
            Self::F32(_) => panic!("columns of floats, wanted bytes"),
        }
    }

    /// Removes all values after the first `len`.
    pub fn truncate(&mut self, len: usize) {
        match self {
            Self::F32(values) => values.truncate(len),
            Self::U8(values) => values.truncate(len),
        }
    }
}

/// Samples decoded into columns; all columns have one entry per sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Columns {
    schema: Schema,
    /// Event times in milliseconds since 1970, for samples that contain one.
    pub times: Vec<Option<i64>>,
    /// Classes, as far as they are known.
    pub labels: Vec<Option<u32>>,
    /// Features, `rows × schema.width()`.
    pub values: Values,
}

impl Columns {
    /// Creates columns without samples.
    pub fn new(schema: Schema) -> Self {
        let values = Values::new(schema.value);
        Self { schema, times: Vec::new(), labels: Vec::new(), values }
    }

    /// Shape and type of the features.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Number of complete samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reserves memory for `rows` more samples.
    pub fn reserve(&mut self, rows: usize) {
        self.times.reserve(rows);
        self.labels.reserve(rows);
        let values = rows * self.schema.width();
        match &mut self.values {
            Values::F32(floats) => floats.reserve(values),
            Values::U8(bytes) => bytes.reserve(values),
        }
    }

    /// Completes the sample whose values were just appended.
    ///
    /// # Panics
    /// When `values` does not hold exactly one row more than `labels` did.
    pub fn finish_row(&mut self, time: Option<i64>, label: Option<u32>) {
        self.times.push(time);
        self.labels.push(label);
        assert_eq!(self.values.len(), self.len() * self.schema.width(), "incomplete row");
    }

    /// Removes the values of a sample that is not complete.
    pub fn abandon_row(&mut self) {
        self.values.truncate(self.len() * self.schema.width());
    }

    /// Appends the samples of `other`.
    ///
    /// # Panics
    /// When the features have another type or width.
    pub fn append(&mut self, other: &Self) {
        match (&mut self.values, &other.values) {
            (Values::F32(values), Values::F32(others)) => values.extend_from_slice(others),
            (Values::U8(values), Values::U8(others)) => values.extend_from_slice(others),
            _ => panic!("values of another type"),
        }
        self.times.extend_from_slice(&other.times);
        self.labels.extend_from_slice(&other.labels);
        assert_eq!(self.values.len(), self.len() * self.schema.width(), "rows of another width");
    }

    /// Removes all samples but keeps the memory.
    pub fn clear(&mut self) {
        self.truncate(0);
    }

    /// Removes all samples after the first `rows`.
    pub fn truncate(&mut self, rows: usize) {
        self.times.truncate(rows);
        self.labels.truncate(rows);
        self.values.truncate(rows * self.schema.width());
    }
}
