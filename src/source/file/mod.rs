//! CSV and Parquet files as sources.

mod config;
mod csv;
mod csv_records;
mod errors;
mod identity;
mod item;
mod parquet;
mod reader;
mod rows;
mod surroundings;

pub use config::FileSource;

use driftmill_datasets::Schema;
use driftmill_datasets::codec::CodecTable;

use self::csv::CsvRows;
use self::errors::failed;
use self::identity::Identity;
use self::parquet::ParquetRows;
use self::reader::FileReader;
use self::rows::Rows;
use super::{Fetched, Partition, Progress, Reader, SourceConfig, SourceError};

pub(super) const EXAMPLE: &str = "path = \"samples.csv\"\nfeatures = [\"a\", \"b\"]";

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
