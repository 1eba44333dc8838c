//! Dead letters that the brokers reject.

use std::sync::Arc;

use parking_lot::Mutex;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, OwnedMessage};
use rdkafka::producer::ProducerContext;
use rdkafka::types::RDKafkaErrorCode;

use crate::kafka::ClientReports;

pub(super) fn is_too_large(error: &KafkaError) -> bool {
    error.rdkafka_error_code() == Some(RDKafkaErrorCode::MessageSizeTooLarge)
}

/// Records messages that the brokers rejected.
#[derive(Clone, Default)]
pub(super) struct Rejected {
    pub(super) reports: ClientReports,
    pub(super) error: Arc<Mutex<Option<KafkaError>>>,
    pub(super) large: Arc<Mutex<Vec<OwnedMessage>>>,
}

impl Rejected {
    pub(super) fn too_large(&self, message: OwnedMessage) {
        self.large.lock().push(message);
    }
}

impl ClientContext for Rejected {
    fn log(&self, level: RDKafkaLogLevel, part: &str, line: &str) {
        self.reports.log(level, part, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.reports.error(error, reason);
    }
}

impl ProducerContext for Rejected {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, _opaque: ()) {
        if let Err((error, message)) = result {
            if is_too_large(error) {
                return self.too_large(message.detach());
            }
            let mut rejected = self.error.lock();
            rejected.get_or_insert_with(|| error.clone());
        }
    }
}
