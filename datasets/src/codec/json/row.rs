//! Reading one JSON object straight into a row of features.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::scalar::Scalar;
use super::slots::Slots;
use crate::codec::table::TimeAndLabel;
use crate::{DecodeError, codec::Classes};

/// The sample of one object, while it is read.
pub(super) struct Row<'a> {
    slots: &'a mut Slots,
    classes: &'a Classes,
    features: &'a mut [f32],
    label: Option<u32>,
    time: Option<i64>,
    /// The error of an invalid value, which serde's errors cannot carry.
    invalid: Option<DecodeError>,
}

impl<'a> Row<'a> {
    pub(super) fn new(slots: &'a mut Slots, classes: &'a Classes, features: &'a mut [f32]) -> Self {
        slots.filled.fill(false);
        Self { slots, classes, features, label: None, time: None, invalid: None }
    }

    /// Reads `payload` into the features and returns time and label.
    pub(super) fn read(mut self, payload: &[u8]) -> Result<TimeAndLabel, DecodeError> {
        let mut reader = serde_json::Deserializer::from_slice(payload);
        let read = reader.deserialize_map(&mut self).and_then(|()| reader.end());
        match (self.invalid.take(), read) {
            (Some(invalid), _) => Err(invalid),
            (None, Err(error)) => Err(malformed(error.to_string())),
            (None, Ok(())) => {
                match self.slots.filled[..self.slots.features].iter().position(|f| !f) {
                    Some(missing) => {
                        Err(DecodeError::MissingColumn(self.slots.names[missing].clone()))
                    }
                    None => Ok(TimeAndLabel { time: self.time, label: self.label }),
                }
            }
        }
    }

    fn set(&mut self, slot: usize, value: &Scalar<'_>) -> Result<(), DecodeError> {
        let column = self.slots.names[slot].as_str();
        if std::mem::replace(&mut self.slots.filled[slot], true) {
            return Err(malformed(format!("column `{column}` occurs twice")));
        }
        if let Some(feature) = self.features.get_mut(slot) {
            *feature = value.feature(column)?;
        } else if self.slots.label == Some(slot) {
            self.label = value.label(column, self.classes)?;
        } else {
            self.time = value.time(column)?;
        }
        Ok(())
    }
}

fn malformed(detail: String) -> DecodeError {
    DecodeError::Malformed { format: "a JSON object", detail }
}

impl<'de> Visitor<'de> for &mut Row<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut previous = self.slots.names.len();
        while let Some(slot) = members.next_key_seed(Key { slots: self.slots, previous })? {
            let Some(slot) = slot else {
                members.next_value::<IgnoredAny>()?;
                continue;
            };
            previous = slot;
            let value: Scalar<'_> = members.next_value()?;
            if let Err(invalid) = self.set(slot, &value) {
                self.invalid = Some(invalid);
                return Err(A::Error::custom("invalid value"));
            }
        }
        Ok(())
    }
}

/// Reads the name of a member and finds its slot; none if the table does not name it.
struct Key<'a> {
    slots: &'a mut Slots,
    previous: usize,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Option<usize>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Option<usize>, E> {
        Ok(self.slots.find(name, self.previous))
    }
}
