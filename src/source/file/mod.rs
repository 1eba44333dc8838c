//! CSV and Parquet files as sources.

use std::path::{Path, PathBuf};

use driftmill_datasets::codec::{CodecTable, Delimiter, Names};
use driftmill_datasets::{Schema, Timestamp, ValueType};
use driftmill_operators::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Partition, Reader, SourceConfig, SourceError};

mod csv;
mod csv_records;
mod item;
mod parquet;

pub(super) const EXAMPLE: &str = "path = \"samples.csv\"\nfeatures = [\"a\", \"b\"]";

/// A CSV file with a header, or a Parquet file; each row a sample, all rows one partition.
///
/// The event time is a column (milliseconds since 1970, RFC 3339, or a Parquet timestamp), or
/// computed: `start + row · step`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileSource {
    /// The file; `.parquet` is Parquet, everything else CSV.
    pub path: PathBuf,
    /// Columns of the features, in the order in which the model sees them; in Parquet files also
    /// items of lists of a fixed size, as in `"features[0]"`.
    pub features: Names,
    /// Column of the class: a whole number from 0 up, or one of `labels`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Names of the classes, where the label is one of these strings; the first is class 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Names>,
    /// The character with which comment lines of a CSV file begin (default: there are none).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<Delimiter>,
    /// Column of the event time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// Event time of the first row, where there is no column for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Timestamp>,
    /// Event time between two rows, as in `"30m"`; goes with `start`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<Span>,
}

impl SourceConfig for FileSource {
    fn needs_codec(&self) -> bool {
        false
    }

    fn schema(&self) -> Option<Schema> {
        Some(Schema { value: ValueType::F32, shape: vec![self.features.len()] })
    }

    fn check(&self) -> Vec<(&'static str, String)> {
        match (&self.time, self.start, self.step) {
            (Some(_), None, None) | (None, Some(_), Some(_)) => Vec::new(),
            (Some(_), ..) => {
                vec![("time", "a column says the time: drop `start` and `step`".into())]
            }
            (None, Some(_), None) => vec![("start", "add `step`, as in step = \"1s\"".into())],
            (None, None, Some(_)) => {
                vec![("step", "add `start`, as in start = \"1996-05-07\"".into())]
            }
            (None, None, None) => {
                vec![("path", "say when rows happened: `time`, or `start` and `step`".into())]
            }
        }
    }

    fn resolve(&self) -> Result<Vec<Partition>, SourceError> {
        let rows = if self.is_parquet() { parquet::rows(&self.path)? } else { csv::rows(self)? };
        let topic = self.path.display().to_string();
        Ok(vec![Partition { topic, topic_index: 0, partition: 0, start: 0, end: Some(rows) }])
    }

    fn open(
        &self,
        partitions: &[Partition],
        _codec: Option<&CodecTable>,
    ) -> Result<Box<dyn Reader>, SourceError> {
        let Some(partition) = partitions.first() else { return Ok(Box::new(Nothing)) };
        let (start, end) = (partition.start, partition.end.unwrap_or(u64::MAX));
        if self.is_parquet() {
            return Ok(Box::new(parquet::ParquetReader::open(self, start, end)?));
        }
        Ok(Box::new(csv::CsvReader::open(self, start, end)?))
    }
}

impl FileSource {
    fn is_parquet(&self) -> bool {
        self.path.extension().unwrap_or_default().eq_ignore_ascii_case("parquet")
    }

    /// The computed event time of row `row`; none where a column says it.
    fn time_of(&self, row: u64) -> Option<i64> {
        let (start, step) = self.start.zip(self.step)?;
        Some(start.millis().saturating_add((row as i64).saturating_mul(step.millis())))
    }
}

/// The reader of a worker without partitions.
struct Nothing;

impl Reader for Nothing {
    fn poll(
        &mut self,
        _slot: usize,
        _most: usize,
        _fetched: &mut super::Fetched<'_>,
    ) -> Result<super::Progress, SourceError> {
        Ok(super::Progress::End)
    }

    fn left(&self, _slot: usize) -> Option<u64> {
        Some(0)
    }
}

fn failed<E: std::error::Error + Send + Sync + 'static>(
    action: &'static str,
    path: &Path,
) -> impl FnOnce(E) -> SourceError {
    let path = path.to_owned();
    move |source| SourceError::File { action, path, source: Box::new(source) }
}

/// Says which column is missing, and what there is.
fn no_column(path: &Path, column: &str, found: &[String]) -> SourceError {
    let nearest = found
        .iter()
        .map(|name| (strsim::damerau_levenshtein(name, column), name))
        .min()
        .filter(|(distance, _)| *distance <= 1 + column.len() / 3)
        .map(|(_, name)| format!("\nhint: did you mean `{name}`?"))
        .unwrap_or_default();
    SourceError::Mismatch(format!(
        "`{}` has no column `{column}`, but {}{nearest}",
        path.display(),
        found.join(", ")
    ))
}
