//! The common parts of the codecs of tables: the roles of columns and their values.

use std::num::NonZeroU32;

use super::{Classes, Names};
use crate::{Columns, DecodeError, Schema, ValueType};

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

    /// Problems that the types of the keys cannot detect, as `(key, problem)`.
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

/// Defines the configuration of a codec of rows with named columns. All of them name the columns of the
/// features, the label and the event time; the keys before and after these are those of one codec.
macro_rules! column_codec {
    ($(#[$about:meta])* $Name:ident {
        $($(#[$before_about:meta])* pub $before:ident: $Before:ty,)*
        ..columns,
        $($(#[$after_about:meta])* pub $after:ident: $After:ty,)*
    }) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $Name {
            $($(#[$before_about])* pub $before: $Before,)*
            /// Columns of the features, in the order of the model's inputs; none in a topic of labels.
            #[serde(default, skip_serializing_if = "Names::is_none")]
            pub features: Names,
            /// Column of the class: a whole number from 0 up, or one of `labels`. A row in which it is
            /// empty, null or missing is a sample without a label. Default: samples have no label.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub label: Option<String>,
            /// Names of the classes, if labels are strings; the first is class 0.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub labels: Option<Names>,
            /// Number of classes: labels from this number up are refused. Default: any label.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub classes: Option<std::num::NonZeroU32>,
            /// Column of the event time: whole milliseconds since 1970, or an RFC 3339 string. It may be
            /// empty, null or missing. Default: samples have no event time of their own.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub time: Option<String>,
            $($(#[$after_about])* pub $after: $After,)*
        }

        impl $Name {
            fn layout(&self) -> $crate::codec::table::Layout<'_> {
                $crate::codec::table::Layout {
                    features: &self.features,
                    label: self.label.as_ref(),
                    labels: self.labels.as_ref(),
                    classes: self.classes,
                    time: self.time.as_ref(),
                }
            }
        }
    };
}
pub(super) use column_codec;

/// The event time and the label of a row.
#[derive(Clone, Copy, Default)]
pub(super) struct TimeAndLabel {
    /// Event time in milliseconds since 1970.
    pub(super) time: Option<i64>,
    pub(super) label: Option<u32>,
}

/// Appends a row: `read` fills its features and returns its time and label.
///
/// After an error of `read`, `columns` is unchanged.
pub(super) fn append_row(
    columns: &mut Columns,
    read: impl FnOnce(&mut [f32]) -> Result<TimeAndLabel, DecodeError>,
) -> Result<(), DecodeError> {
    let width = columns.schema().width();
    let values = columns.values.floats();
    let start = values.len();
    values.resize(start + width, 0.0);
    match read(&mut values[start..]) {
        Ok(marks) => {
            columns.finish_row(marks.time, marks.label);
            Ok(())
        }
        Err(error) => {
            columns.abandon_row();
            Err(error)
        }
    }
}

/// Converts a value to a feature.
///
/// # Errors
/// When the value is beyond the range of a 32-bit float.
pub(super) fn finite(column: &str, value: f64) -> Result<f32, DecodeError> {
    let feature = value as f32;
    if feature.is_finite() {
        Ok(feature)
    } else {
        Err(mismatch(column, "a finite 32-bit number", &format!("{value:e}")))
    }
}

/// The error for an invalid value of a column.
pub(super) fn mismatch(column: &str, wanted: &str, found: &str) -> DecodeError {
    DecodeError::Value {
        column: column.to_owned(),
        wanted: wanted.to_owned(),
        found: found.to_owned(),
    }
}

pub(super) const A_NUMBER: &str = "a number, true or false";
pub(super) const A_TIME: &str = "milliseconds since 1970 or an RFC 3339 date";
