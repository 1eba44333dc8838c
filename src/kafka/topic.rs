//! The creation of topics.

use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

use super::{Backoff, RequestError, describe, drop_client};

const HINT: &str = "\nhint: is a broker running, is this its address, and may the user create \
                    topics?";

/// Time limit for brokers that are away.
const LIMIT: Duration = Duration::from_secs(30);

/// Creates a topic, if it does not exist. Brokers that are away are asked again for half a minute.
///
/// # Errors
/// When the brokers cannot be reached or reject it.
pub fn create_topic(
    client: &ClientConfig,
    brokers: &str,
    topic: &str,
    partitions: i32,
) -> Result<(), RequestError> {
    let (begun, mut backoff) = (Instant::now(), Backoff::default());
    loop {
        let error = match attempt(client, topic, partitions) {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        let reason = describe(&error);
        if !is_temporary(&error) || begun.elapsed() > LIMIT {
            let action = format!("creating topic `{topic}`");
            return Err(RequestError { action, brokers: brokers.to_owned(), reason, hint: HINT });
        }
        tracing::warn!("creating topic `{topic}` on `{brokers}`: {reason}; trying again");
        std::thread::sleep(backoff.pause());
    }
}

fn attempt(client: &ClientConfig, topic: &str, partitions: i32) -> Result<(), KafkaError> {
    let admin: AdminClient<DefaultClientContext> = client.create()?;
    // brokers delete by the timestamps of messages, and those of a replayed stream are old.
    let wanted =
        NewTopic::new(topic, partitions, TopicReplication::Fixed(-1)).set("retention.ms", "-1");
    let options = AdminOptions::new().request_timeout(Some(LIMIT));
    let results = futures_executor::block_on(admin.create_topics([&wanted], &options));
    drop_client(admin);
    match results?.into_iter().next() {
        Some(Err((_, code))) if code != RDKafkaErrorCode::TopicAlreadyExists => {
            Err(KafkaError::AdminOp(code))
        }
        _ => Ok(()),
    }
}

/// Whether brokers may answer another attempt.
fn is_temporary(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::{
        AllBrokersDown, BrokerTransportFailure, NotController, OperationTimedOut, RequestTimedOut,
    };
    let temporary =
        [AllBrokersDown, BrokerTransportFailure, NotController, OperationTimedOut, RequestTimedOut];
    let code = match error {
        KafkaError::AdminOp(code) => Some(*code),
        error => error.rdkafka_error_code(),
    };
    code.is_some_and(|code| temporary.contains(&code))
}
