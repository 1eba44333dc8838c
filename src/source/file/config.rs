//! The table of the source.

use std::path::PathBuf;

use driftmill_datasets::codec::{Delimiter, Names};
use driftmill_datasets::{Schema, Timestamp, ValueType};
use driftmill_operators::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A CSV file with a header, or a Parquet file. Each row is a sample, and all rows are one partition.
///
/// A CSV file may grow: a run that is started again reads the rows that were added. Another file under
/// the same name is refused, and so is a Parquet file that was written again.
///
/// The event time is a column (milliseconds since 1970, RFC 3339, or a Parquet timestamp), or computed as
/// `start + row · step`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileSource {
    /// The path of the file. `.parquet` is a Parquet file, and any other file is CSV.
    pub path: PathBuf,
    /// Columns of the features, in the order of the model's inputs; in Parquet files also items of lists of
    /// a fixed size, such as `"features[0]"`.
    pub features: Names,
    /// Column of the class: a whole number from 0 up, or one of `labels`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Names of the classes, if labels are strings; the first is class 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Names>,
    /// The first character of comment lines of a CSV file (default: there are no comments).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<Delimiter>,
    /// Column of the event time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// Event time of the first row, if there is no column of times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Timestamp>,
    /// Event time between two rows, such as `"30m"`; used with `start`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<Span>,
}

impl FileSource {
    /// Whether it is a Parquet file, by its name.
    pub(super) fn is_parquet(&self) -> bool {
        self.path.extension().unwrap_or_default().eq_ignore_ascii_case("parquet")
    }

    /// Shape and type of the features.
    pub(super) fn row_schema(&self) -> Schema {
        Schema { value: ValueType::F32, shape: vec![self.features.len()] }
    }

    /// The computed event time of row `row`; none if there is a column of times.
    pub(super) fn time_of(&self, row: u64) -> Option<i64> {
        let (start, step) = self.start.zip(self.step)?;
        Some(start.millis().saturating_add((row as i64).saturating_mul(step.millis())))
    }
}
