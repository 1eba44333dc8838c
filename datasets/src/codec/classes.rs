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

    /// Reads the class in column `column` from a number.
    ///
    /// # Errors
    /// [`DecodeError::Value`] when the classes have names or `number` is not one of the classes.
    pub fn of_number(&self, column: &str, number: f64) -> Result<u32, DecodeError> {
        let fits = number.fract() == 0.0 && (0.0..=f64::from(self.highest)).contains(&number);
        if fits && self.names.is_none() {
            return Ok(number as u32);
        }
        Err(self.refuse(column, &number.to_string()))
    }

    /// Reads the class in column `column` from its name.
    ///
    /// # Errors
    /// [`DecodeError::Value`] when `text` is not the name of a class.
    pub fn of_name(&self, column: &str, text: &str) -> Result<u32, DecodeError> {
        self.names
            .as_ref()
            .and_then(|names| names.position(text))
            .and_then(|position| u32::try_from(position).ok())
            .ok_or_else(|| self.refuse(column, &quote(text)))
    }

    /// Reads the class in column `column` from a text that holds its name or its number.
    ///
    /// # Errors
    /// [`DecodeError::Value`] when `text` is neither.
    pub fn of_text(&self, column: &str, text: &str) -> Result<u32, DecodeError> {
        match text.parse() {
            Ok(number) if self.names.is_none() => self.of_number(column, number),
            _ => self.of_name(column, text),
        }
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
    pub(super) fn refuse(&self, column: &str, found: &str) -> DecodeError {
        let wanted = match &self.names {
            Some(names) => format!("one of `{}`", names.join("`, `")),
            None if self.highest == u32::MAX => "a class as a whole number".to_owned(),
            None => format!("a class from 0 to {}", self.highest),
        };
        DecodeError::Value { column: column.to_owned(), wanted, found: found.to_owned() }
    }
}

/// The beginning of a text, in quotes, for an error.
pub(super) fn quote(text: &str) -> String {
    let mut start: String = text.chars().take(40).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    format!("`{start}`")
}
