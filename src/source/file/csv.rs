//! A reader of the rows of a CSV file.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use driftmill_datasets::codec::{Codec, CodecConfig, Csv, Delimiter, Names};
use driftmill_datasets::{Columns, DecodeError};

use super::config::FileSource;
use super::csv_records::{CsvRecords, Record};
use super::errors::{failed, no_column};
use super::identity::Identity;
use super::rows::{Row, Rows};
use crate::source::SourceError;

/// Number of bytes that are read at once.
const BLOCK: usize = 1 << 20;

/// The rows of a CSV file that are part of a stream.
pub(super) struct Extent {
    pub(super) rows: u64,
    pub(super) identity: Identity,
}

/// Decodes the records after the header.
pub(super) struct CsvRows {
    source: FileSource,
    records: CsvRecords<BufReader<File>>,
    codec: Box<dyn Codec>,
}

impl CsvRows {
    /// Continues after the first `skipped` rows.
    pub(super) fn open(source: &FileSource, skipped: u64) -> Result<Self, SourceError> {
        let file = File::open(&source.path).map_err(failed("opening", &source.path))?;
        let bytes = BufReader::with_capacity(BLOCK, file);
        let comment = source.comment.map(Delimiter::get);
        let mut records = CsvRecords::new(bytes, Delimiter::default().get(), comment);
        let mut record = Vec::new();
        let header = records.read(&mut record).map_err(failed("reading", &source.path))?;
        if header.is_none() {
            let empty = format!("`{}` is empty: wanted a header line", source.path.display());
            return Err(SourceError::Mismatch(empty));
        }
        let codec = codec(source, columns(&source.path, &record)?)?;
        let mut rows = Self { source: source.clone(), records, codec };
        for _ in 0..skipped {
            if rows.read(&mut record)?.is_none() {
                break;
            }
        }
        Ok(rows)
    }

    /// The rows that the file has now. A last line without an end that is not a sample is not counted:
    /// it may still be written.
    pub(super) fn extent(mut self) -> Result<Extent, SourceError> {
        let path = self.source.path.clone();
        let (mut rows, mut bytes) = (0, self.records.position());
        let (mut record, mut open) = (Vec::new(), false);
        while let Some(ended) = self.read(&mut record)? {
            if ended == Record::Open {
                let mut columns = Columns::new(self.source.row_schema());
                if self.codec.decode(&record, &mut columns).is_err() {
                    tracing::warn!(
                        "the last line of `{}` has no end and is not a sample: it is read when the \
                         file has grown",
                        path.display()
                    );
                    break;
                }
                open = true;
            }
            (rows, bytes) = (rows + 1, self.records.position());
        }
        Ok(Extent { rows, identity: Identity::read(&path, bytes, open)? })
    }

    /// Reads another record, if there is one.
    fn read(&mut self, record: &mut Vec<u8>) -> Result<Option<Record>, SourceError> {
        self.records.read(record).map_err(failed("reading", &self.source.path))
    }
}

impl Rows for CsvRows {
    fn next(&mut self, row: &mut Row) -> Result<bool, SourceError> {
        let Some(ended) = self.read(&mut row.payload)? else { return Ok(false) };
        row.columns.clear();
        row.decoded = match ended {
            Record::Complete | Record::Open => self.codec.decode(&row.payload, &mut row.columns),
            Record::Unclosed => Err(unclosed()),
        };
        Ok(true)
    }
}

/// The names in a header. A column without a name gets a name that no pipeline can contain.
fn columns(path: &Path, header: &[u8]) -> Result<Vec<String>, SourceError> {
    let mut parser = csv::ReaderBuilder::new().has_headers(false).from_reader(header);
    let mut record = csv::StringRecord::new();
    parser.read_record(&mut record).map_err(failed("reading the header of", path))?;
    let name = |(number, name): (usize, &str)| match name.trim() {
        "" => format!("(column {} has no name)", number + 1),
        name => name.to_owned(),
    };
    Ok(record.iter().enumerate().map(name).collect())
}

fn codec(source: &FileSource, columns: Vec<String>) -> Result<Box<dyn Codec>, SourceError> {
    let wanted = source.features.iter().chain(&source.label).chain(&source.time);
    for column in wanted {
        if !columns.contains(column) {
            return Err(no_column(&source.path, column, &columns));
        }
    }
    let names = Names::try_from(columns).map_err(|error| {
        SourceError::Mismatch(format!("the header of `{}`: {error}", source.path.display()))
    })?;
    let codec = Csv {
        columns: names,
        features: source.features.clone(),
        label: source.label.clone(),
        labels: source.labels.clone(),
        classes: None,
        time: source.time.clone(),
        delimiter: Delimiter::default(),
    };
    match codec.check().into_iter().next() {
        Some((key, problem)) => Err(SourceError::Mismatch(format!("source.file.{key}: {problem}"))),
        None => Ok(codec.init()),
    }
}

fn unclosed() -> DecodeError {
    let detail = "a quoted field that begins in it does not end before the end of the file";
    DecodeError::Malformed { format: "a CSV row", detail: detail.to_owned() }
}
