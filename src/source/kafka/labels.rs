//! Labels that arrive separately, in another topic.

use driftmill_datasets::Columns;
use driftmill_datasets::codec::{Codec, CodecTable};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::source::{Fetched, InvalidReason, RawMessage};

/// Labels that arrive separately, in another topic.
///
/// A message labels the sample with its key. A later message corrects the label, and an empty one retracts
/// it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Labels {
    /// The topic.
    pub topic: String,
    /// The codec of its messages: `json` or `csv`, without features.
    pub codec: CodecTable,
}

impl Labels {
    /// Problems of the table, as `(key, problem)`.
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
            problems.push((
                "labels.codec",
                "name the column of the label: label = \"class\"".to_owned(),
            ));
        }
        if features > 0 {
            let text = "a labels topic has no features: remove `features`";
            problems.push(("labels.codec", text.to_owned()));
        }
        problems
    }

    pub(super) fn decoder(&self) -> LabelDecoder {
        LabelDecoder { codec: self.codec.init(), columns: Columns::new(self.codec.schema()) }
    }
}

/// Decodes messages of a topic of labels.
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
            Err(error) => fetched.reject(message, error),
            Ok(()) if self.columns.labels[0].is_none() => {
                fetched.reject(message, InvalidReason::NoLabel)
            }
            Ok(()) => fetched.label(message, self.columns.times[0], self.columns.labels[0]),
        }
    }
}
