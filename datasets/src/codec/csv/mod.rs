//! The codec of comma-separated values.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::table::{append_row, column_codec};
use super::{Codec, CodecConfig, Names};
use crate::{Columns, DecodeError, Schema, Values};

mod cell;
mod delimiter;

pub use delimiter::{Delimiter, DelimiterError};

use cell::Role;

pub(super) const EXAMPLE: &str = "columns = [\"a\", \"b\"]\nfeatures = [\"a\", \"b\"]";

column_codec! {
    /// One row of comma-separated values per message, without a header.
    ///
    /// Fields are in the order of `columns`, and each message has all of them; empty fields after the
    /// last one are ignored. Features are numbers, or `true` and `false` for 1 and 0, without spaces
    /// around them. NaN and infinity are refused. Fields may be quoted, and a line break may end the
    /// message.
    ///
    /// Reference: RFC 4180, *Common Format and MIME Type for Comma-Separated Values Files*, 2005.
    ///
    /// ```
    /// use driftmill_datasets::Columns;
    /// use driftmill_datasets::codec::{CodecConfig, Csv};
    ///
    /// let csv: Csv = toml::from_str(
    ///     r#"
    ///     columns = ["period", "price", "demand", "class"]
    ///     features = ["demand", "period"]
    ///     label = "class"
    ///     "#,
    /// )
    /// .unwrap();
    /// let mut columns = Columns::new(csv.schema());
    /// csv.init().decode(b"0.25,0.056,0.5,1\n", &mut columns).unwrap();
    /// assert_eq!(columns.values.floats(), &[0.5, 0.25]);
    /// assert_eq!(columns.labels, [Some(1)]);
    /// ```
    Csv {
        /// Names of all columns of a row, in order.
        pub columns: Names,
        ..columns,
        /// The one character between fields. Default: a comma.
        #[serde(default)]
        pub delimiter: Delimiter,
    }
}

impl Csv {
    fn role(&self, column: &String) -> Role {
        if let Some(feature) = self.features.position(column) {
            Role::Feature(feature)
        } else if self.label.as_ref() == Some(column) {
            Role::Label
        } else if self.time.as_ref() == Some(column) {
            Role::Time
        } else {
            Role::Skipped
        }
    }
}

impl CodecConfig for Csv {
    fn schema(&self) -> Schema {
        self.layout().schema()
    }

    fn init(&self) -> Box<dyn Codec> {
        assert!(self.check().is_empty(), "the table was checked");
        Box::new(CsvCodec {
            reader: ReaderBuilder::new().delimiter(self.delimiter.get()).build(),
            row: cell::Row {
                roles: self.columns.iter().map(|column| self.role(column)).collect(),
                columns: self.columns.to_vec(),
                classes: self.layout().classes(),
            },
            delimiter: self.delimiter.get(),
            text: Vec::new(),
            ends: vec![0; self.columns.len() + 1],
        })
    }

    fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    fn names(&self, _payload: &[u8]) -> Vec<String> {
        self.columns.to_vec()
    }

    fn states_time(&self) -> bool {
        self.time.is_some()
    }

    fn check(&self) -> Vec<(&'static str, String)> {
        let features = self.features.iter().map(|name| ("features", name));
        let label = self.label.iter().map(|name| ("label", name));
        let time = self.time.iter().map(|name| ("time", name));
        let absent = features
            .chain(label)
            .chain(time)
            .filter(|(_, name)| self.columns.position(name).is_none())
            .map(|(key, name)| (key, format!("`{name}` is not one of `columns`")));
        self.layout().check().into_iter().chain(absent).collect()
    }
}

struct CsvCodec {
    reader: Reader,
    row: cell::Row,
    delimiter: u8,
    /// The concatenated fields of the current message, without quotes.
    text: Vec<u8>,
    /// The end of each field in `text`.
    ends: Vec<usize>,
}

impl CsvCodec {
    /// Splits `payload` into fields; empty ones after the last column are ignored.
    fn split(&mut self, payload: &[u8]) -> Result<(), DecodeError> {
        let error = match self.split_exactly(payload) {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        let mut rest = payload.trim_ascii_end();
        while let Some((last, before)) = rest.split_last()
            && *last == self.delimiter
        {
            rest = before;
            if self.split_exactly(rest).is_ok() {
                return Ok(());
            }
        }
        Err(error)
    }

    /// Splits `payload` into as many fields as there are columns.
    fn split_exactly(&mut self, payload: &[u8]) -> Result<(), DecodeError> {
        self.reader.reset();
        self.text.resize(self.text.len().max(payload.len() + 1), 0);
        let (mut result, read, written, mut fields) =
            self.reader.read_record(payload, &mut self.text, &mut self.ends);
        if result == ReadRecordResult::InputEmpty {
            // the message does not end with a line break: an empty read ends the record.
            let (last, _, _, more) =
                self.reader.read_record(&[], &mut self.text[written..], &mut self.ends[fields..]);
            (result, fields) = (last, fields + more);
        }
        let wanted = self.row.columns.len();
        let found = match result {
            ReadRecordResult::Record if fields == wanted => {
                let ends_here = payload[read..].iter().all(|byte| b"\r\n".contains(byte));
                let error = || malformed("wanted one row, found more".to_owned());
                return if ends_here { Ok(()) } else { Err(error()) };
            }
            ReadRecordResult::Record => fields.to_string(),
            ReadRecordResult::OutputEndsFull => "more".to_owned(),
            _ => "none".to_owned(),
        };
        Err(malformed(format!("wanted {wanted} fields, found {found}")))
    }
}

fn malformed(detail: String) -> DecodeError {
    DecodeError::Malformed { format: "a CSV row", detail }
}

impl Codec for CsvCodec {
    fn decode(&mut self, payload: &[u8], columns: &mut Columns) -> Result<(), DecodeError> {
        if payload.is_empty() {
            return Err(DecodeError::Empty);
        }
        self.split(payload)?;
        append_row(columns, |features| self.row.read(&self.text, &self.ends, features))
    }

    fn encode(&self, columns: &Columns, row: usize) -> Vec<u8> {
        let features = match &columns.values {
            Values::F32(values) => &values[row * columns.schema().width()..],
            Values::U8(_) => &[],
        };
        let mut line = Vec::new();
        for (column, role) in self.row.roles.iter().enumerate() {
            if column > 0 {
                line.push(self.delimiter);
            }
            let text = match *role {
                Role::Feature(feature) => format!("{:?}", features[feature]),
                Role::Label => columns.labels[row]
                    .map_or_else(String::new, |class| self.row.classes.text(class)),
                Role::Time => columns.times[row].map_or_else(String::new, |time| time.to_string()),
                Role::Skipped => String::new(),
            };
            cell::write(&text, self.delimiter, &mut line);
        }
        line
    }
}

#[cfg(test)]
mod tests;
