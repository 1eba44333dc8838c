//! The codec of JSON objects.

use std::io::Write;

use self::row::Row;
use self::slots::Slots;
use super::table::{append_row, column_codec};
use super::{Classes, Codec, CodecConfig, Names};
use crate::{Columns, DecodeError, Schema, Values};

mod row;
mod scalar;
mod slots;

pub(super) const EXAMPLE: &str = "features = [\"a\", \"b\"]";

column_codec! {
    /// One JSON object per message, with one member per column.
    ///
    /// Members may be in any order. Members that the table does not name are skipped. Features are
    /// numbers, or `true` and `false` for 1 and 0. A message is invalid if a feature is missing,
    /// null, a string or beyond the range of a 32-bit float, or if a named column occurs twice.
    ///
    /// Reference: RFC 8259, *The JavaScript Object Notation (JSON) Data Interchange Format*, 2017.
    ///
    /// ```
    /// use driftmill_datasets::Columns;
    /// use driftmill_datasets::codec::{CodecConfig, Json};
    ///
    /// let json: Json = toml::from_str(
    ///     r#"
    ///     features = ["demand", "price"]
    ///     label = "class"
    ///     labels = ["DOWN", "UP"]
    ///     time = "at"
    ///     "#,
    /// )
    /// .unwrap();
    /// let mut columns = Columns::new(json.schema());
    /// let message = br#"{"at": "1996-05-07T00:30:00Z", "class": "UP", "price": 0.5, "demand": 2}"#;
    /// json.init().decode(message, &mut columns).unwrap();
    /// assert_eq!(columns.values.floats(), &[2.0, 0.5]);
    /// assert_eq!(columns.labels, [Some(1)]);
    /// assert_eq!(columns.times, [Some(831_429_000_000)]);
    /// ```
    Json {
        ..columns,
    }
}

impl CodecConfig for Json {
    fn schema(&self) -> Schema {
        self.layout().schema()
    }

    fn init(&self) -> Box<dyn Codec> {
        let slots = Slots::new(&self.features, self.label.as_ref(), self.time.as_ref());
        Box::new(JsonCodec { slots, classes: self.layout().classes() })
    }

    fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    fn names(&self, payload: &[u8]) -> Vec<String> {
        let object = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(payload);
        object.map(|object| object.into_iter().map(|(name, _)| name).collect()).unwrap_or_default()
    }

    fn states_time(&self) -> bool {
        self.time.is_some()
    }

    fn check(&self) -> Vec<(&'static str, String)> {
        self.layout().check()
    }
}

struct JsonCodec {
    slots: Slots,
    classes: Classes,
}

impl Codec for JsonCodec {
    fn decode(&mut self, payload: &[u8], columns: &mut Columns) -> Result<(), DecodeError> {
        if payload.is_empty() {
            return Err(DecodeError::Empty);
        }
        append_row(columns, |features| {
            Row::new(&mut self.slots, &self.classes, features).read(payload)
        })
    }

    fn encode(&self, columns: &Columns, row: usize) -> Vec<u8> {
        let mut object = Object(b"{".to_vec());
        if let Values::F32(values) = &columns.values {
            let features = &values[row * self.slots.features..][..self.slots.features];
            for (name, &value) in self.slots.names.iter().zip(features) {
                object.member(name, &number(value));
            }
        }
        if let (Some(slot), Some(class)) = (self.slots.label, columns.labels[row]) {
            let name = self.classes.name(class).map(|name| serde_json::json!(name).to_string());
            object.member(&self.slots.names[slot], &name.unwrap_or_else(|| class.to_string()));
        }
        if let (Some(slot), Some(time)) = (self.slots.time, columns.times[row]) {
            object.member(&self.slots.names[slot], &time.to_string());
        }
        object.0.push(b'}');
        object.0
    }
}

/// The text of a JSON object that is still open.
struct Object(Vec<u8>);

impl Object {
    fn member(&mut self, name: &str, value: &str) {
        if self.0.len() > 1 {
            self.0.push(b',');
        }
        let name = serde_json::Value::from(name);
        write!(self.0, "{name}:{value}").expect("a write to memory cannot fail");
    }
}

/// The shortest text from which a reader of 64-bit floats gets `value` when it rounds to 32 bits,
/// even if the reader errs by one unit in the last place. A value that is not finite becomes null,
/// which readers refuse.
fn number(value: f32) -> String {
    if !value.is_finite() {
        return "null".to_owned();
    }
    let short = format!("{value:?}");
    let read: f64 = short.parse().expect("Rust reads the numbers it writes");
    let survives = [read.next_down(), read, read.next_up()].map(|near| near as f32 == value);
    if survives == [true; 3] { short } else { format!("{:?}", f64::from(value)) }
}

#[cfg(test)]
mod tests;
