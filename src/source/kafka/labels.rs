//! Labels that arrive separately, in a topic of their own.

use driftmill_datasets::Columns;
use driftmill_datasets::codec::{Codec, CodecTable};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::source::{Fetched, RawMessage, Refused};

/// Labels that arrive separately, in a topic of their own.
///
/// A message labels the sample with its key; a later one corrects it, an empty one takes the label
/// back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Labels {
    /// The topic.
    pub topic: String,
    /// How its messages become labels: `json` or `csv`, without features.
    pub codec: CodecTable,
}

impl Labels {
    /// What is wrong with the table, as `(key, problem)`.
    pub(super) fn check(&self) -> Vec<(&'static str, String)> {
        let (label, features) = match &self.codec {
            CodecTable::json(json) => (json.label.is_some(), json.features.len()),
            CodecTable::csv(csv) => (csv.label.is_some(), csv.features.len()),
            _ => return vec![("labels.codec", "labels are read as `json` or `csv`".to_owned())],
        };
        let mut problems: Vec<_> = self.codec.check().into_iter().collect();
        problems.iter_mut().for_each(|(key, text)| {
            *text = format!("`{key}`: {text}");
            *key = "labels.codec";
        });
        if !label {
            problems.push(("labels.codec", "say where the label is: label = \"class\"".to_owned()));
        }
        if features > 0 {
            let text = "a labels topic has no features: leave `features` out";
            problems.push(("labels.codec", text.to_owned()));
        }
        problems
    }

    pub(super) fn decoder(&self) -> LabelDecoder {
        LabelDecoder { codec: self.codec.init(), columns: Columns::new(self.codec.schema()) }
    }
}

/// Reads messages of a labels topic.
pub(super) struct LabelDecoder {
    codec: Box<dyn Codec>,
    columns: Columns,
}

impl LabelDecoder {
    pub(super) fn take(&mut self, message: RawMessage<'_>, fetched: &mut Fetched<'_>) {
        if message.payload.is_empty() {
            return fetched.label(message, None, None);
        }
        self.columns.clear();
        match self.codec.decode(message.payload, &mut self.columns) {
            Err(error) => fetched.refuse(message, error),
            Ok(()) if self.columns.labels[0].is_none() => fetched.refuse(message, Refused::NoLabel),
            Ok(()) => fetched.label(message, self.columns.times[0], self.columns.labels[0]),
        }
    }
}
