//! The fields of one row: what each is for, and how it is read and written.

use crate::codec::Classes;
use crate::codec::classes::quote;
use crate::codec::table::{A_NUMBER, A_TIME, refuse};
use crate::{DecodeError, Timestamp};

/// What a column is for.
#[derive(Clone, Copy)]
pub(super) enum Role {
    /// The feature at this place.
    Feature(usize),
    Label,
    Time,
    Skipped,
}

/// How to read a row.
pub(super) struct Row {
    pub(super) columns: Vec<String>,
    pub(super) roles: Vec<Role>,
    pub(super) classes: Classes,
}

impl Row {
    /// Fills `features` from the fields in `text`; yields the time and the label.
    pub(super) fn read(
        &self,
        text: &[u8],
        ends: &[usize],
        features: &mut [f32],
    ) -> Result<(Option<i64>, Option<u32>), DecodeError> {
        let (mut time, mut label, mut start) = (None, None, 0);
        for ((role, column), &end) in self.roles.iter().zip(&self.columns).zip(ends) {
            let field = &text[start..end];
            start = end;
            match *role {
                Role::Feature(place) => features[place] = feature(column, field)?,
                Role::Label if field.is_empty() => label = None,
                Role::Label => label = Some(self.classes.of_text(column, utf8(column, field)?)?),
                Role::Time => time = read_time(column, field)?,
                Role::Skipped => (),
            }
        }
        Ok((time, label))
    }
}

fn feature(column: &str, field: &[u8]) -> Result<f32, DecodeError> {
    match utf8(column, field)? {
        "true" => Ok(1.0),
        "false" => Ok(0.0),
        text => match text.parse::<f32>() {
            Ok(number) if number.is_finite() => Ok(number),
            Ok(_) => Err(refuse(column, "a finite 32-bit number", &quote(text))),
            Err(_) => Err(refuse(column, A_NUMBER, &quote(text))),
        },
    }
}

fn read_time(column: &str, field: &[u8]) -> Result<Option<i64>, DecodeError> {
    if field.is_empty() {
        return Ok(None);
    }
    let text = utf8(column, field)?;
    let time = text.parse().ok().or_else(|| text.parse().ok().map(Timestamp::millis));
    time.map(Some).ok_or_else(|| refuse(column, A_TIME, &quote(text)))
}

fn utf8<'a>(column: &str, field: &'a [u8]) -> Result<&'a str, DecodeError> {
    std::str::from_utf8(field)
        .map_err(|_| refuse(column, "UTF-8", &quote(&String::from_utf8_lossy(field))))
}

/// Appends `text` to `line`, in quotes where it needs them.
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
