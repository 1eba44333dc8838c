//! What the codecs of tables share: which columns a table has and what they hold.

use std::num::NonZeroU32;

use super::{Classes, Names};
use crate::{DecodeError, Schema, ValueType};

/// The columns that a table's configuration names.
#[derive(Clone, Copy)]
pub(super) struct Layout<'a> {
    pub(super) features: &'a Names,
    pub(super) label: Option<&'a String>,
    pub(super) labels: Option<&'a Names>,
    pub(super) classes: Option<NonZeroU32>,
    pub(super) time: Option<&'a String>,
}

impl Layout<'_> {
    pub(super) fn schema(&self) -> Schema {
        Schema { value: ValueType::F32, shape: vec![self.features.len()] }
    }

    pub(super) fn classes(&self) -> Classes {
        match self.labels {
            Some(names) => Classes::named(names.clone()),
            None => Classes::numbered(self.classes),
        }
    }

    /// What the types of the keys do not refuse.
    pub(super) fn check(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        for (key, column) in [("label", self.label), ("time", self.time)] {
            if let Some(name) = column.filter(|name| self.features.contains(name)) {
                problems.push((key, format!("`{name}` is already one of `features`")));
            }
        }
        if self.label.is_some() && self.label == self.time {
            problems.push(("time", "is already the `label`".to_owned()));
        }
        if self.labels.is_some() && self.classes.is_some() {
            problems.push(("classes", "follows from `labels`: leave one of them out".to_owned()));
        }
        for (key, set) in [("labels", self.labels.is_some()), ("classes", self.classes.is_some())] {
            if set && self.label.is_none() {
                problems.push((key, "needs `label`, the column of the class".to_owned()));
            }
        }
        problems
    }
}

/// The value as a feature, which is finite.
pub(super) fn finite(column: &str, value: f64) -> Result<f32, DecodeError> {
    let feature = value as f32;
    if feature.is_finite() {
        Ok(feature)
    } else {
        Err(refuse(column, "a finite 32-bit number", &format!("{value:e}")))
    }
}

/// The error for a value that is not what its column holds.
pub(super) fn refuse(column: &str, wanted: &str, found: &str) -> DecodeError {
    DecodeError::Value {
        column: column.to_owned(),
        wanted: wanted.to_owned(),
        found: found.to_owned(),
    }
}

pub(super) const A_NUMBER: &str = "a number, true or false";
pub(super) const A_TIME: &str = "milliseconds since 1970 or an RFC 3339 date";
