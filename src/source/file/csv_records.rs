//! A splitter of CSV files into records.

use std::io::{self, BufRead};

use memchr::memchr3;

/// The end-of-file mark of DOS.
const END_OF_FILE: u8 = 0x1A;

/// The end of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Record {
    /// It is complete.
    Complete,
    /// The file ended before the line did: it may be incomplete.
    Open,
    /// The file ended inside a quoted field.
    Unclosed,
}

/// Splits a CSV file into records. Lines within quotes belong to one record.
///
/// A record ends with LF, CR LF, CR alone, or the end of the file. Empty and blank lines, comment lines,
/// and the end mark of DOS are not records.
///
/// Reference: RFC 4180, *Common Format and MIME Type for Comma-Separated Values Files*, 2005.
pub(super) struct CsvRecords<R> {
    bytes: R,
    delimiter: u8,
    comment: Option<u8>,
    /// Bytes that were read.
    position: u64,
}

/// The state of the scan within a record.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Plain,
    Quoted,
    /// A quote was read inside a quoted field. It ends the field or is the first of two.
    Quote,
}

impl<R: BufRead> CsvRecords<R> {
    pub(super) fn new(bytes: R, delimiter: u8, comment: Option<u8>) -> Self {
        Self { bytes, delimiter, comment, position: 0 }
    }

    /// The offset in the file after the last record and its line end.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    fn consume(&mut self, bytes: usize) {
        self.bytes.consume(bytes);
        self.position += bytes as u64;
    }

    /// Reads the next record into `record`, without its end; none at the end of the file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn read(&mut self, record: &mut Vec<u8>) -> io::Result<Option<Record>> {
        loop {
            record.clear();
            let Some(ended) = self.scan(record)? else { return Ok(None) };
            let is_blank = record.iter().all(|byte| b" \t".contains(byte));
            let is_mark = record[..] == [END_OF_FILE] && self.bytes.fill_buf()?.is_empty();
            if !is_blank && !is_mark {
                return Ok(Some(ended));
            }
        }
    }

    /// Reads one line, and the lines that follow it within quotes.
    fn scan(&mut self, record: &mut Vec<u8>) -> io::Result<Option<Record>> {
        let mut state = State::Plain;
        loop {
            let block = self.bytes.fill_buf()?;
            if block.is_empty() {
                if self.is_comment(record) {
                    record.clear();
                }
                let unclosed = state == State::Quoted;
                let last = if unclosed { Record::Unclosed } else { Record::Open };
                return Ok((!record.is_empty()).then_some(last));
            }
            if state == State::Quote && block[0] == b'"' {
                state = State::Quoted;
                record.push(b'"');
                self.consume(1);
                continue;
            }
            if state == State::Quote {
                state = State::Plain;
            }
            let Some(at) = memchr3(b'\n', b'\r', b'"', block) else {
                record.extend_from_slice(block);
                let read = block.len();
                self.consume(read);
                continue;
            };
            let found = block[at];
            record.extend_from_slice(&block[..at]);
            self.consume(at + 1);
            // quotes within a comment have no meaning.
            let quotes = !self.is_comment(record);
            match (state, found) {
                (State::Quoted, b'"') => {
                    record.push(b'"');
                    state = State::Quote;
                }
                (State::Quoted, byte) => record.push(byte),
                (_, b'"') => {
                    let begins = record.last().is_none_or(|byte| *byte == self.delimiter);
                    record.push(b'"');
                    if quotes && begins {
                        state = State::Quoted;
                    }
                }
                (_, end) => {
                    if end == b'\r' && self.bytes.fill_buf()?.first() == Some(&b'\n') {
                        self.consume(1);
                    }
                    if self.is_comment(record) {
                        record.clear();
                    }
                    return Ok(Some(Record::Complete));
                }
            }
        }
    }

    fn is_comment(&self, record: &[u8]) -> bool {
        self.comment.is_some_and(|mark| record.first() == Some(&mark))
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    /// The records of a text, read in blocks of each size.
    fn records(text: &str, comment: Option<u8>) -> Vec<String> {
        let split = |size: usize| {
            let bytes = BufReader::with_capacity(size, text.as_bytes());
            let mut records = CsvRecords::new(bytes, b',', comment);
            let (mut found, mut record) = (Vec::new(), Vec::new());
            while let Some(ended) = records.read(&mut record).unwrap() {
                let mark = if ended == Record::Unclosed { "unclosed: " } else { "" };
                found.push(format!("{mark}{}", str::from_utf8(&record).unwrap()));
            }
            found
        };
        let whole = split(1000);
        for size in 1..20 {
            assert_eq!(split(size), whole, "blocks of {size}");
        }
        whole
    }

    #[test]
    fn all_line_endings_are_read_and_blank_lines_are_skipped() {
        let text = "a,b\r\n1,2\n3,4\r5,6\n\n  \n\r\n7,8";
        assert_eq!(records(text, None), ["a,b", "1,2", "3,4", "5,6", "7,8"]);
        assert_eq!(records("a\n1\n\u{1a}", None), ["a", "1"]);
        assert_eq!(records("", None), [""; 0]);
    }

    #[test]
    fn line_breaks_within_quotes_belong_to_the_field() {
        let text = "a,\"b\n[m]\"\n1,\"x\r\n9,9\n\"\"y\"\" \"\n2,it\"s\n3,\"\"\n";
        let wanted = ["a,\"b\n[m]\"", "1,\"x\r\n9,9\n\"\"y\"\" \"", "2,it\"s", "3,\"\""];
        assert_eq!(records(text, None), wanted);
        assert_eq!(records("1,\"x\n2,3\n", None), ["unclosed: 1,\"x\n2,3\n"]);
    }

    #[test]
    fn comments_are_lines_that_begin_with_the_mark() {
        let text = "# it's,\"new\na\n#1\n2 # 3\n\"#\"\n# end";
        assert_eq!(records(text, Some(b'#')), ["a", "2 # 3", "\"#\""]);
        assert_eq!(records("#\n1\n", None), ["#", "1"]);
    }
}
