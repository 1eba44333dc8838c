//! Reads the rows of a CSV file.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use driftmill_datasets::DecodeError;
use driftmill_datasets::codec::{Codec, CodecConfig, Csv, Delimiter, Names};

use super::csv_records::{CsvRecords, Record};
use super::{FileSource, failed, no_column};
use crate::source::{Fetched, Progress, RawMessage, Reader, SourceError};

/// Bytes that are read at once.
const BLOCK: usize = 1 << 20;

/// Reads rows: the records behind the header.
pub(super) struct CsvReader {
    source: FileSource,
    records: CsvRecords<BufReader<File>>,
    codec: Box<dyn Codec>,
    next: u64,
    end: u64,
    record: Vec<u8>,
}

/// Number of rows: records behind the header.
pub(super) fn rows(source: &FileSource) -> Result<u64, SourceError> {
    let (mut records, mut record, mut rows) = (records(source)?, Vec::new(), 0_u64);
    while records.read(&mut record).map_err(failed("reading", &source.path))?.is_some() {
        rows += 1;
    }
    Ok(rows.saturating_sub(1))
}

fn records(source: &FileSource) -> Result<CsvRecords<BufReader<File>>, SourceError> {
    let file = File::open(&source.path).map_err(failed("opening", &source.path))?;
    let bytes = BufReader::with_capacity(BLOCK, file);
    let comment = source.comment.map(Delimiter::get);
    Ok(CsvRecords::new(bytes, Delimiter::default().get(), comment))
}

impl CsvReader {
    /// Reads the rows from `start` to before `end`.
    pub(super) fn open(source: &FileSource, start: u64, end: u64) -> Result<Self, SourceError> {
        let (mut records, mut record) = (records(source)?, Vec::new());
        let header = records.read(&mut record).map_err(failed("reading", &source.path))?;
        if header.is_none() {
            let empty = format!("`{}` is empty: wanted a header line", source.path.display());
            return Err(SourceError::Mismatch(empty));
        }
        let codec = codec(source, columns(&source.path, &record)?)?;
        let mut reader = Self { source: source.clone(), records, codec, next: 0, end, record };
        while reader.next < start && reader.read()?.is_some() {
            reader.next += 1;
        }
        Ok(reader)
    }

    /// Reads another record, if there is one; it is in `record`.
    fn read(&mut self) -> Result<Option<Record>, SourceError> {
        self.records.read(&mut self.record).map_err(failed("reading", &self.source.path))
    }
}

/// The names in a header; a column without a name has one that no pipeline states.
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

impl Reader for CsvReader {
    fn poll(
        &mut self,
        _slot: usize,
        most: usize,
        fetched: &mut Fetched<'_>,
    ) -> Result<Progress, SourceError> {
        for _ in 0..most {
            // rows that were added since the job began are not part of its stream.
            let read = if self.next < self.end { self.read()? } else { None };
            let Some(ended) = read else {
                self.end = self.next;
                return Ok(Progress::End);
            };
            let (offset, timestamp) = (self.next, self.source.time_of(self.next));
            self.next += 1;
            let raw = RawMessage { offset, timestamp, key: None, payload: &self.record };
            let decoded = match ended {
                Record::Complete => self.codec.decode(&self.record, &mut fetched.columns),
                Record::Unclosed => Err(unclosed()),
            };
            match decoded {
                Ok(()) => fetched.accept(raw),
                Err(error) => fetched.refuse(raw, error),
            }
        }
        Ok(Progress::More)
    }

    fn left(&self, _slot: usize) -> Option<u64> {
        Some(self.end.saturating_sub(self.next))
    }
}

fn unclosed() -> DecodeError {
    let detail = "a quoted field that begins in it does not end before the end of the file";
    DecodeError::Malformed { format: "a CSV row", detail: detail.to_owned() }
}
