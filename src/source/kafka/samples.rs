//! Samples from messages of a topic.

use driftmill_datasets::DecodeError;
use driftmill_datasets::codec::{Codec, CodecTable};

use super::label_watch::LabelWatch;
use crate::source::{Fetched, RawMessage};

/// Reads messages of a topic of samples.
pub(super) struct SampleDecoder {
    codec: Box<dyn Codec>,
    /// Whether the event time of a sample is its record's timestamp.
    timestamps: bool,
    labels: LabelWatch,
}

impl SampleDecoder {
    pub(super) fn new(codec: &CodecTable) -> Self {
        Self {
            codec: codec.init(),
            timestamps: !codec.states_time(),
            labels: LabelWatch::new(codec),
        }
    }

    pub(super) fn take(&mut self, message: RawMessage<'_>, fetched: &mut Fetched<'_>) {
        if message.payload.is_empty() {
            // if samples contain event times, the timestamp comes from another clock.
            let time = message.timestamp.filter(|_| self.timestamps);
            return if fetched.keyed() {
                fetched.delete(message, time)
            } else {
                fetched.reject(message, DecodeError::Empty)
            };
        }
        match self.codec.decode(message.payload, &mut fetched.columns) {
            Ok(()) => {
                self.labels.decoded(message.payload, &fetched.columns);
                fetched.accept(message);
            }
            Err(error) => fetched.reject(message, error),
        }
    }
}
