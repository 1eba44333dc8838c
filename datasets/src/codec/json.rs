use std::collections::HashMap;
use std::io::Write;
use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::row::Row;
use super::table::Layout;
use super::{Classes, Codec, CodecConfig, Names};
use crate::{Columns, DecodeError, Schema, Values};

mod row;
mod scalar;

pub(super) const EXAMPLE: &str = "features = [\"a\", \"b\"]";

/// One JSON object per message, its members named after the columns.
///
/// Members may come in any order; those that the table does not name are skipped. Features are
/// numbers, or `true` and `false` for 1 and 0. A message is refused when a feature is missing,
/// null, a string or beyond the range of a 32-bit float, and when a named column stands twice.
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Json {
    /// Columns of the features, in the order in which the model sees them; none in a topic of labels.
    #[serde(default, skip_serializing_if = "Names::is_none")]
    pub features: Names,
    /// Column of the class: a whole number from 0 up, or one of `labels`. A message in which it is
    /// null or missing is a sample without a label. Default: no sample has a label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Names of the classes, where the label is one of these strings; the first is class 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Names>,
    /// Number of classes: labels from this number up are refused. Default: any label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<NonZeroU32>,
    /// Column of the event time: whole milliseconds since 1970, or an RFC 3339 string. May be null
    /// or missing. Default: samples state no time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
}

impl Json {
    fn layout(&self) -> Layout<'_> {
        Layout {
            features: &self.features,
            label: self.label.as_ref(),
            labels: self.labels.as_ref(),
            classes: self.classes,
            time: self.time.as_ref(),
        }
    }
}

impl CodecConfig for Json {
    fn schema(&self) -> Schema {
        self.layout().schema()
    }

    fn init(&self) -> Box<dyn Codec> {
        Box::new(JsonCodec { slots: Slots::new(self), classes: self.layout().classes() })
    }

    fn check(&self) -> Vec<(&'static str, String)> {
        self.layout().check()
    }
}

/// The named columns: features first, then the label and the time.
struct Slots {
    names: Vec<String>,
    features: usize,
    label: Option<usize>,
    time: Option<usize>,
    places: HashMap<String, usize>,
    /// Which slot came after which in the last message; the last entry is for the first member.
    after: Vec<usize>,
    /// Slots of this message that have a value.
    filled: Vec<bool>,
}

impl Slots {
    fn new(config: &Json) -> Self {
        let features = config.features.len();
        let label = config.label.as_ref().map(|_| features);
        let time = config.time.as_ref().map(|_| features + usize::from(label.is_some()));
        let names: Vec<String> =
            config.features.iter().chain(&config.label).chain(&config.time).cloned().collect();
        Self {
            places: names.iter().cloned().enumerate().map(|(slot, name)| (name, slot)).collect(),
            after: (1..names.len()).chain([0, 0]).collect(),
            filled: vec![false; names.len()],
            names,
            features,
            label,
            time,
        }
    }

    /// The slot of the member `name` that follows the one in `previous`.
    fn find(&mut self, name: &str, previous: usize) -> Option<usize> {
        let guess = self.after[previous];
        if self.names[guess] == name {
            return Some(guess);
        }
        let slot = *self.places.get(name)?;
        self.after[previous] = slot;
        Some(slot)
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
        let values = columns.values.floats();
        let start = values.len();
        values.resize(start + self.slots.features, 0.0);
        let row = Row::new(&mut self.slots, &self.classes, &mut values[start..]);
        match row.read(payload) {
            Ok((time, label)) => {
                columns.finish_row(time, label);
                Ok(())
            }
            Err(error) => {
                columns.abandon_row();
                Err(error)
            }
        }
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

/// A JSON object in the making.
struct Object(Vec<u8>);

impl Object {
    fn member(&mut self, name: &str, value: &str) {
        if self.0.len() > 1 {
            self.0.push(b',');
        }
        let name = serde_json::Value::from(name);
        write!(self.0, "{name}:{value}").expect("memory takes every write");
    }
}

/// The shortest text that a reader of 64-bit floats, exact to the last bit or nearly so, rounds to
/// `value`; null, which no reader takes, when it is not finite.
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
