//! The fields of a CSV row: their roles, reading and writing.

use crate::codec::Classes;
use crate::codec::classes::quote;
use crate::codec::table::{A_NUMBER, A_TIME, TimeAndLabel, mismatch};
use crate::{DecodeError, Timestamp};

/// The use of a column.
#[derive(Clone, Copy)]
pub(super) enum Role {
    /// The feature at this index.
    Feature(usize),
    Label,
    Time,
    Skipped,
}

/// The columns of a row, and how each is read.
pub(super) struct Row {
    pub(super) columns: Vec<String>,
    pub(super) roles: Vec<Role>,
    pub(super) classes: Classes,
}

impl Row {
    /// Reads the fields in `text` into `features` and returns time and label.
    pub(super) fn read(
        &self,
        text: &[u8],
        ends: &[usize],
        features: &mut [f32],
    ) -> Result<TimeAndLabel, DecodeError> {
        let (mut marks, mut start) = (TimeAndLabel::default(), 0);
        for ((role, column), &end) in self.roles.iter().zip(&self.columns).zip(ends) {
            let field = &text[start..end];
            start = end;
            match *role {
                Role::Feature(index) => features[index] = feature(column, field)?,
                Role::Label if field.is_empty() => marks.label = None,
                Role::Label => {
                    marks.label = Some(self.classes.of_text(column, utf8(column, field)?)?);
                }
                Role::Time => marks.time = read_time(column, field)?,
                Role::Skipped => (),
            }
        }
        Ok(marks)
    }
}

fn feature(column: &str, field: &[u8]) -> Result<f32, DecodeError> {
    match utf8(column, field)? {
        "true" => Ok(1.0),
        "false" => Ok(0.0),
        text => match text.parse::<f32>() {
            Ok(number) if number.is_finite() => Ok(number),
            Ok(_) => Err(mismatch(column, "a finite 32-bit number", &quote(text))),
            Err(_) => Err(mismatch(column, A_NUMBER, &quote(text))),
        },
    }
}

fn read_time(column: &str, field: &[u8]) -> Result<Option<i64>, DecodeError> {
    if field.is_empty() {
        return Ok(None);
    }
    let text = utf8(column, field)?;
    let time = text.parse().ok().or_else(|| text.parse().ok().map(Timestamp::millis));
    time.map(Some).ok_or_else(|| mismatch(column, A_TIME, &quote(text)))
}

fn utf8<'a>(column: &str, field: &'a [u8]) -> Result<&'a str, DecodeError> {
    std::str::from_utf8(field)
        .map_err(|_| mismatch(column, "UTF-8", &quote(&String::from_utf8_lossy(field))))
}

/// Appends `text` to `line`, in quotes if it contains special characters.
pub(super) fn write(text: &str, delimiter: u8, line: &mut Vec<u8>) {
    let special = |byte| byte == delimiter || b"\"\r\n".contains(&byte);
    if !text.bytes().any(special) {
        line.extend_from_slice(text.as_bytes());
        return;
    }
    line.push(b'"');
    line.extend_from_slice(text.replace('"', "\"\"").as_bytes());
    line.push(b'"');
}
