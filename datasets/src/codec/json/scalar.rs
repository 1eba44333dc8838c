//! One value of a JSON object, read without building a tree.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::codec::classes::quote;
use crate::codec::table::{A_NUMBER, A_TIME, finite, mismatch};
use crate::{DecodeError, Timestamp, codec::Classes};

/// A JSON value. The contents of arrays and objects are skipped.
pub(super) enum Scalar<'de> {
    Null,
    Bool(bool),
    Integer(i64),
    Unsigned(u64),
    Float(f64),
    Text(Cow<'de, str>),
    Array,
    Object,
}

impl Scalar<'_> {
    pub(super) fn feature(&self, column: &str) -> Result<f32, DecodeError> {
        match *self {
            Self::Float(number) => finite(column, number),
            Self::Integer(number) => Ok(number as f32),
            Self::Unsigned(number) => Ok(number as f32),
            Self::Bool(truth) => Ok(f32::from(truth)),
            _ => Err(mismatch(column, A_NUMBER, &self.found())),
        }
    }

    pub(super) fn label(
        &self,
        column: &str,
        classes: &Classes,
    ) -> Result<Option<u32>, DecodeError> {
        match self {
            Self::Null => Ok(None),
            Self::Float(number) => classes.of_number(column, *number).map(Some),
            Self::Integer(number) => classes.of_number(column, *number as f64).map(Some),
            Self::Unsigned(number) => classes.of_number(column, *number as f64).map(Some),
            Self::Bool(truth) => classes.of_truth(column, *truth).map(Some),
            Self::Text(text) => classes.of_text(column, text).map(Some),
            _ => Err(classes.mismatch(column, &self.found())),
        }
    }

    pub(super) fn time(&self, column: &str) -> Result<Option<i64>, DecodeError> {
        let time = match self {
            Self::Null => return Ok(None),
            Self::Integer(millis) => Some(*millis),
            Self::Unsigned(millis) => i64::try_from(*millis).ok(),
            Self::Text(text) => text.parse().ok().map(Timestamp::millis),
            _ => None,
        };
        time.map(Some).ok_or_else(|| mismatch(column, A_TIME, &self.found()))
    }

    /// The value as an error names it.
    fn found(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(truth) => truth.to_string(),
            Self::Integer(number) => number.to_string(),
            Self::Unsigned(number) => number.to_string(),
            Self::Float(number) => number.to_string(),
            Self::Text(text) => format!("the string {}", quote(text)),
            Self::Array => "an array".to_owned(),
            Self::Object => "an object".to_owned(),
        }
    }
}

impl<'de> Deserialize<'de> for Scalar<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Unsigned(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Float(number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Scalar<'de>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Array)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Scalar<'de>, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Object)
    }
}
