//! The classes of a codec's labels.

use std::num::NonZeroU32;

use super::Names;
use crate::DecodeError;

/// The classes that a label can have, and how messages write them: as numbers or as names.
///
/// ```
/// use driftmill_datasets::codec::Classes;
///
/// let three = Classes::numbered(3.try_into().ok());
/// assert_eq!(three.of_number("class", 2.0), Ok(2));
/// let refused = three.of_number("class", 3.0).unwrap_err();
/// assert_eq!(refused.to_string(), "column `class`: wanted a class from 0 to 2, found 3");
/// let signs = Classes::named(vec!["-1".to_owned(), "1".to_owned()].try_into().unwrap());
/// assert_eq!(signs.of_number("class", 1.0), Ok(1));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classes {
    names: Option<Names>,
    highest: u32,
}

impl Classes {
    /// Classes 0, 1, 2, …: as many as `bound` says, or any number of them.
    pub fn numbered(bound: Option<NonZeroU32>) -> Self {
        Self { names: None, highest: bound.map_or(u32::MAX, |bound| bound.get() - 1) }
    }

    /// Classes written by name; the first is class 0.
    ///
    /// # Panics
    /// When there are more than 2³² names.
    pub fn named(names: Names) -> Self {
        let highest = u32::try_from(names.len() - 1).expect("fewer than 2³² names");
        Self { names: Some(names), highest }
    }

    /// Reads the class in column `column` from a number: the class itself, or the name that is the
    /// same number, as 1 and 1.0 are for the name `1`.
    ///
    /// # Errors
    /// [`DecodeError::Value`] when `number` is neither.
    pub fn of_number(&self, column: &str, number: f64) -> Result<u32, DecodeError> {
        let found = match &self.names {
            Some(names) => named(names, |name| name.parse() == Ok(number)),
            None => {
                let fits = (0.0..=f64::from(self.highest)).contains(&number);
                (fits && number.fract() == 0.0).then_some(number as u32)
            }
        };
        found.ok_or_else(|| self.mismatch(column, &number.to_string()))
    }

    /// Reads the class in column `column` from a truth value: 1 or 0 where there are two classes or
    /// any number of them, or the name that is `true` or `false` in any case.
    ///
    /// # Errors
    /// [`DecodeError::Value`] when there is no such class.
    pub fn of_truth(&self, column: &str, truth: bool) -> Result<u32, DecodeError> {
        let text = truth.to_string();
        let found = match &self.names {
            Some(names) => named(names, |name| name.eq_ignore_ascii_case(&text)),
            // of three classes none is true.
            None => matches!(self.highest, 1 | u32::MAX).then_some(u32::from(truth)),
        };
        found.ok_or_else(|| self.mismatch(column, &text))
    }

    /// Reads the class in column `column` from a text: a name as it is written, or else the number
    /// or the truth value that it holds.
    ///
    /// # Errors
    /// [`DecodeError::Value`] when `text` is none of these.
    pub fn of_text(&self, column: &str, text: &str) -> Result<u32, DecodeError> {
        if let Some(class) = self.names.as_ref().and_then(|names| named(names, |name| name == text))
        {
            return Ok(class);
        }
        let truth = [true, false].into_iter().find(|it| text.eq_ignore_ascii_case(&it.to_string()));
        let found = match (text.parse(), truth) {
            (Ok(number), _) => self.of_number(column, number),
            (_, Some(truth)) => self.of_truth(column, truth),
            _ => return Err(self.mismatch(column, &quote(text))),
        };
        found.map_err(|_| self.mismatch(column, &quote(text)))
    }

    /// The name of a class, if classes have names.
    pub fn name(&self, class: u32) -> Option<&str> {
        self.names.as_ref()?.get(class as usize).map(String::as_str)
    }

    /// The class as a text.
    pub(super) fn text(&self, class: u32) -> String {
        self.name(class).map_or_else(|| class.to_string(), str::to_owned)
    }

    /// The error for a value that is not a class; it lists the classes.
    pub(super) fn mismatch(&self, column: &str, found: &str) -> DecodeError {
        let wanted = match &self.names {
            Some(names) => format!("one of `{}`", names.join("`, `")),
            None if self.highest == u32::MAX => "a class as a whole number".to_owned(),
            None => format!("a class from 0 to {}", self.highest),
        };
        DecodeError::Value { column: column.to_owned(), wanted, found: found.to_owned() }
    }
}

/// The class whose name is the first that `is` the one wanted.
fn named(names: &Names, is: impl Fn(&str) -> bool) -> Option<u32> {
    let position = names.iter().position(|name| is(name))?;
    u32::try_from(position).ok()
}

/// The beginning of a text, in quotes, for an error.
pub(super) fn quote(text: &str) -> String {
    let mut start: String = text.chars().take(40).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    format!("`{start}`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Columns;
    use crate::codec::{Codec, CodecConfig, Csv, Json};

    /// The class of one label as JSON and as CSV write it.
    fn read(labels: &str, label: &str) -> [Result<Option<u32>, DecodeError>; 2] {
        let table = format!("features = [\"a\"]\nlabel = \"c\"\n{labels}");
        let json: Json = toml::from_str(&table).unwrap();
        let csv: Csv = toml::from_str(&format!("columns = [\"a\", \"c\"]\n{table}")).unwrap();
        let of = |codec: &mut dyn Codec, schema, payload: String| {
            let mut columns = Columns::new(schema);
            codec.decode(payload.as_bytes(), &mut columns).map(|()| columns.labels[0])
        };
        let object = format!("{{\"a\": 1, \"c\": {label}}}");
        let row = format!("1,{}", label.trim_matches('"'));
        [of(&mut *json.init(), json.schema(), object), of(&mut *csv.init(), csv.schema(), row)]
    }

    #[test]
    fn the_same_label_is_the_same_class_in_json_and_csv() {
        let digits = "labels = [\"1\", \"2\", \"3\"]";
        let signs = "labels = [\"-1\", \"1\"]";
        let truths = "labels = [\"False\", \"True\"]";
        let cases = [
            (digits, "2", Some(1)),
            (digits, "2.0", Some(1)),
            (digits, "\"3\"", Some(2)),
            (digits, "0", None),
            (digits, "1.5", None),
            (signs, "-1", Some(0)),
            (signs, "1", Some(1)),
            (signs, "0", None),
            (truths, "true", Some(1)),
            (truths, "\"False\"", Some(0)),
            (truths, "1", None),
            ("classes = 2", "true", Some(1)),
            ("classes = 3", "true", None),
            ("", "false", Some(0)),
            ("", "\"4\"", Some(4)),
            ("", "0.97", None),
            ("", "\"spam\"", None),
        ];
        for (labels, label, class) in cases {
            for read in read(labels, label) {
                assert_eq!(read.ok().flatten(), class, "{label} under {labels}");
            }
        }
    }
}
