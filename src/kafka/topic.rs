//! The creation of topics.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

use super::{RequestError, describe, drop_client};

const HINT: &str = "\nhint: is a broker running, is this its address, and may the user create \
                    topics?";

/// Creates a topic, if it does not exist.
///
/// # Errors
/// When the brokers cannot be reached or reject it.
pub fn create_topic(
    client: &ClientConfig,
    brokers: &str,
    topic: &str,
    partitions: i32,
) -> Result<(), RequestError> {
    let failed = |source| RequestError {
        action: format!("creating topic `{topic}`"),
        brokers: brokers.to_owned(),
        reason: describe(&source),
        hint: HINT,
    };
    let admin: AdminClient<DefaultClientContext> = client.create().map_err(failed)?;
    // brokers delete by the timestamps of messages, and those of a replayed stream are old.
    let wanted =
        NewTopic::new(topic, partitions, TopicReplication::Fixed(-1)).set("retention.ms", "-1");
    let options = AdminOptions::new().request_timeout(Some(Duration::from_secs(30)));
    let results =
        futures_executor::block_on(admin.create_topics([&wanted], &options)).map_err(failed)?;
    drop_client(admin);
    match results.into_iter().next() {
        Some(Err((_, code))) if code != RDKafkaErrorCode::TopicAlreadyExists => {
            Err(failed(KafkaError::AdminOp(code)))
        }
        _ => Ok(()),
    }
}
