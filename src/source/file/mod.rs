//! CSV and Parquet files as sources.

use std::path::{Path, PathBuf};

use driftmill_datasets::codec::{CodecTable, Delimiter, Names};
use driftmill_datasets::{Schema, Timestamp, ValueType};
use driftmill_operators::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Fetched, Partition, Progress, Reader, SourceConfig, SourceError};

mod csv;
mod csv_records;
mod identity;
mod item;
mod parquet;
mod reader;
mod rows;
mod surroundings;

use csv::CsvRows;
use identity::Identity;
use parquet::ParquetRows;
use reader::FileReader;
use rows::Rows;

pub(super) const EXAMPLE: &str = "path = \"samples.csv\"\nfeatures = [\"a\", \"b\"]";

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

impl SourceConfig for FileSource {
    fn needs_codec(&self) -> bool {
        false
    }

    fn schema(&self) -> Option<Schema> {
        Some(self.row_schema())
    }

    fn check(&self) -> Vec<(&'static str, String)> {
        match (&self.time, self.start, self.step) {
            (Some(_), None, None) | (None, Some(_), Some(_)) => Vec::new(),
            (Some(_), ..) => {
                vec![("time", "a column contains the time: remove `start` and `step`".into())]
            }
            (None, Some(_), None) => vec![("start", "add `step`, as in step = \"1s\"".into())],
            (None, None, Some(_)) => {
                vec![("step", "add `start`, as in start = \"1996-05-07\"".into())]
            }
            (None, None, None) => {
                vec![(
                    "path",
                    "the rows have no event times: add `time`, or `start` and `step`".into(),
                )]
            }
        }
    }

    fn resolve(&self) -> Result<Vec<Partition>, SourceError> {
        let (rows, identity) = if self.is_parquet() {
            let length =
                std::fs::metadata(&self.path).map_err(failed("opening", &self.path))?.len();
            (parquet::rows(&self.path)?, Identity::read(&self.path, length, false)?)
        } else {
            let extent = CsvRows::open(self, 0)?.extent()?;
            (extent.rows, extent.identity)
        };
        Ok(vec![Partition {
            topic: self.path.display().to_string(),
            identity: Some(identity.to_string()),
            topic_index: 0,
            partition: 0,
            start: 0,
            end: Some(rows),
        }])
    }

    fn extend(&self, partition: &mut Partition, found: &Partition) {
        partition.end = partition.end.max(found.end);
        partition.identity.clone_from(&found.identity);
    }

    fn check_known(&self, known: &[Partition]) -> Result<(), SourceError> {
        let identities = known.iter().filter_map(|known| known.identity.as_ref()?.parse().ok());
        identities.into_iter().try_for_each(|identity: Identity| identity.check(&self.path))
    }

    fn open(
        &self,
        partitions: &[Partition],
        _codec: Option<&CodecTable>,
    ) -> Result<Box<dyn Reader>, SourceError> {
        let Some(partition) = partitions.first() else { return Ok(Box::new(Nothing)) };
        let (start, end) = (partition.start, partition.end.unwrap_or(u64::MAX));
        let rows: Box<dyn Rows> = if self.is_parquet() {
            Box::new(ParquetRows::open(self, start)?)
        } else {
            Box::new(CsvRows::open(self, start)?)
        };
        Ok(Box::new(FileReader::new(self, rows, start, end)))
    }
}

impl FileSource {
    fn is_parquet(&self) -> bool {
        self.path.extension().unwrap_or_default().eq_ignore_ascii_case("parquet")
    }

    fn row_schema(&self) -> Schema {
        Schema { value: ValueType::F32, shape: vec![self.features.len()] }
    }

    /// The computed event time of row `row`; none if there is a column of times.
    fn time_of(&self, row: u64) -> Option<i64> {
        let (start, step) = self.start.zip(self.step)?;
        Some(start.millis().saturating_add((row as i64).saturating_mul(step.millis())))
    }
}

/// The reader of a worker without partitions.
struct Nothing;

impl Reader for Nothing {
    fn poll(&mut self, _slot: usize, _fetched: &mut Fetched<'_>) -> Result<Progress, SourceError> {
        Ok(Progress::End)
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

/// The error for a missing column, with the existing ones.
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
