//! Reads the rows of a CSV file.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use driftmill_datasets::codec::{Codec, CodecConfig, Csv, Delimiter, Names};

use super::{FileSource, failed, no_column};
use crate::source::{Fetched, Progress, RawMessage, Reader, SourceError};

/// Reads rows, one a line: a quoted field must not hold a line break.
pub(super) struct CsvReader {
    source: FileSource,
    lines: BufReader<File>,
    codec: Box<dyn Codec>,
    next: u64,
    end: u64,
    line: Vec<u8>,
}

/// Number of rows: lines behind the header.
pub(super) fn rows(path: &Path) -> Result<u64, SourceError> {
    let file = File::open(path).map_err(failed("opening", path))?;
    let mut bytes = BufReader::with_capacity(1 << 20, file);
    let (mut lines, mut last) = (0, b'\n');
    loop {
        let block = bytes.fill_buf().map_err(failed("reading", path))?;
        let Some(end) = block.last() else { break };
        lines += block.iter().filter(|byte| **byte == b'\n').count() as u64;
        last = *end;
        let read = block.len();
        bytes.consume(read);
    }
    // the last line may lack its end.
    Ok((lines + u64::from(last != b'\n')).saturating_sub(1))
}

impl CsvReader {
    /// Reads the rows from `start` to before `end`.
    pub(super) fn open(source: &FileSource, start: u64, end: u64) -> Result<Self, SourceError> {
        let file = File::open(&source.path).map_err(failed("opening", &source.path))?;
        let mut lines = BufReader::with_capacity(1 << 20, file);
        let mut header = Vec::new();
        lines.read_until(b'\n', &mut header).map_err(failed("reading", &source.path))?;
        let codec = codec(source, columns(&source.path, &header)?)?;
        let (source, line) = (source.clone(), Vec::new());
        let mut reader = Self { source, lines, codec, next: 0, end, line };
        while reader.next < start && reader.read_line()? {
            reader.next += 1;
        }
        Ok(reader)
    }

    /// Whether there was another line; it is in `line`.
    fn read_line(&mut self) -> Result<bool, SourceError> {
        self.line.clear();
        let read = self.lines.read_until(b'\n', &mut self.line);
        Ok(read.map_err(failed("reading", &self.source.path))? > 0)
    }
}

fn columns(path: &Path, header: &[u8]) -> Result<Vec<String>, SourceError> {
    let text = header.strip_suffix(b"\n").unwrap_or(header);
    if text.strip_suffix(b"\r").unwrap_or(text).contains(&b'\r') {
        let name = path.display();
        let text = format!("the lines of `{name}` end with CR alone: wanted LF, or CR and LF");
        return Err(SourceError::Mismatch(text));
    }
    let mut parser = csv::ReaderBuilder::new().has_headers(false).from_reader(header);
    let mut record = csv::StringRecord::new();
    let found = parser.read_record(&mut record).map_err(failed("reading the header of", path))?;
    if !found {
        let empty = format!("`{}` is empty: wanted a header line", path.display());
        return Err(SourceError::Mismatch(empty));
    }
    Ok(record.iter().map(|name| name.trim().to_owned()).collect())
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
            // lines that were added since the job began are not part of its stream.
            if self.next >= self.end || !self.read_line()? {
                self.end = self.next;
                return Ok(Progress::End);
            }
            let (offset, timestamp) = (self.next, self.source.time_of(self.next));
            self.next += 1;
            let raw = RawMessage { offset, timestamp, key: None, payload: &self.line };
            match self.codec.decode(&self.line, &mut fetched.columns) {
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
