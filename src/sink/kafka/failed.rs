//! Failed attempts to publish, and whether they may be repeated.

use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;

use super::link::Link;
use crate::kafka::{RequestError, describe};
use crate::sink::SinkError;

/// The failure of an attempt.
pub(super) enum Failed {
    /// It may be tried again. Contains the reason.
    ForNow(String),
    /// It must not be tried again.
    Forever(SinkError),
}

impl From<SinkError> for Failed {
    fn from(error: SinkError) -> Self {
        Self::Forever(error)
    }
}

const SIZE: &str = "\nhint: raise `message.max.bytes` in the sink's properties and \
                    `max.message.bytes` of the topic";
const RIGHTS: &str = "\nhint: the user must be allowed to write and read the topic, to use the \
                      transactional id and to read the group `driftmill/NAME/TOPIC`";
const TIMEOUT: &str = "\nhint: lower `transaction.timeout.ms` in the sink's properties, or raise \
                       the broker's `transaction.max.timeout.ms`";

impl Link {
    /// Classifies an error: most are temporary, and some are permanent.
    pub(super) fn failed(&self, action: &str, error: &KafkaError) -> Failed {
        match error.rdkafka_error_code().and_then(hint) {
            Some(_) => Failed::Forever(self.refused(action, error)),
            None => Failed::ForNow(format!("{action}: {}", describe(error))),
        }
    }

    /// Creates an error that no further attempt would resolve.
    pub(super) fn refused(&self, action: &str, error: &KafkaError) -> SinkError {
        let reason = match error {
            KafkaError::ClientCreation(problem) => problem.clone(),
            other => describe(other),
        };
        SinkError::from(RequestError {
            action: format!("{action} of `{}` in topic `{}`", self.model, self.config.topic),
            brokers: self.brokers().to_owned(),
            reason,
            hint: error.rdkafka_error_code().and_then(hint).unwrap_or_default(),
        })
    }
}

/// A hint for an error that no retry resolves.
fn hint(code: Code) -> Option<&'static str> {
    match code {
        Code::MessageSizeTooLarge => Some(SIZE),
        Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::TransactionalIdAuthorizationFailed => Some(RIGHTS),
        Code::InvalidTransactionTimeout => Some(TIMEOUT),
        Code::InvalidRecord | Code::PolicyViolation | Code::UnsupportedFeature => Some(""),
        _ => None,
    }
}
