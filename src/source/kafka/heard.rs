//! What a Kafka client reports besides messages.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use rdkafka::Statistics;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

/// Reports of a consumer besides messages, received while it is polled.
///
/// Clones hear the same. librdkafka's own lines go to our log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard(Arc<Mutex<Said>>);

#[derive(Debug, Default)]
struct Said {
    /// The last trouble, in librdkafka's words.
    trouble: Option<String>,
    /// Why a broker did not let us in.
    refused: Option<String>,
    /// Per topic and partition, the first offset that is not there yet.
    newest: HashMap<String, HashMap<i32, u64>>,
    /// Whether no broker is connected.
    alone: bool,
    /// Per topic the number of its partitions.
    partitions: HashMap<String, usize>,
}

impl Heard {
    /// The last trouble.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.said().trouble.clone()
    }

    /// Why there is no connection to any broker, while there is none.
    pub(super) fn outage(&self) -> Option<String> {
        let said = self.said();
        let trouble = || said.trouble.clone().unwrap_or_else(|| "no broker answers".to_owned());
        said.alone.then(trouble)
    }

    /// Why a broker did not let us in.
    pub(crate) fn refused(&self) -> Option<String> {
        self.said().refused.clone()
    }

    /// The first offset of a partition that was not there yet when its broker was last heard.
    pub(super) fn newest(&self, topic: &str, partition: u16) -> Option<u64> {
        self.said().newest.get(topic)?.get(&i32::from(partition)).copied()
    }

    /// How many partitions a topic had when its brokers were last asked.
    pub(super) fn partitions(&self, topic: &str) -> Option<usize> {
        self.said().partitions.get(topic).copied()
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.0.lock().expect("no one panics while listening")
    }
}

impl ClientContext for Heard {
    fn log(&self, _level: RDKafkaLogLevel, part: &str, line: &str) {
        tracing::debug!(part, line, "librdkafka");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let code = error.rdkafka_error_code();
        // the one is no trouble, the other follows from what was said before and says less.
        let idle = [RDKafkaErrorCode::PartitionEOF, RDKafkaErrorCode::AllBrokersDown];
        if code.is_some_and(|code| idle.contains(&code)) {
            return;
        }
        tracing::debug!(%error, reason, "kafka client");
        let mut said = self.said();
        let reason = in_short(reason);
        if code == Some(RDKafkaErrorCode::Authentication) {
            said.refused = Some(reason.clone());
        }
        said.trouble = Some(reason);
    }

    fn stats(&self, statistics: Statistics) {
        let mut said = self.said();
        said.alone = statistics.brokers.values().all(|broker| broker.state != "UP");
        for (topic, told) in statistics.topics {
            // -1 is librdkafka's own, for messages without a partition.
            let partitions = told.partitions.keys().filter(|number| **number >= 0).count();
            said.partitions.insert(topic.clone(), partitions);
            let newest = said.newest.entry(topic).or_default();
            for (partition, told) in told.partitions {
                // what lies beyond the last stable offset cannot be read yet.
                let end = if told.ls_offset >= 0 { told.ls_offset } else { told.hi_offset };
                if let Ok(end) = u64::try_from(end) {
                    newest.insert(partition, end);
                }
            }
        }
    }
}

impl ConsumerContext for Heard {}

/// A reason without librdkafka's name for the connection and the times it measured.
///
/// `host:1/bootstrap: Connect to ipv4#1.2.3.4:1 failed: Connection refused (after 0ms in state …)`
fn in_short(reason: &str) -> String {
    let told = reason.split_once(": ").map_or(reason, |(_, told)| told);
    let told = told.split_once(" (after ").map_or(told, |(told, _)| told);
    told.trim_end_matches('.').to_owned()
}
