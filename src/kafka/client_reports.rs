//! Reports of a Kafka client that are not messages.

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
/// Clones share the reports. librdkafka's own lines go to the log of the program.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClientReports(Arc<Mutex<Reported>>);

#[derive(Debug, Default)]
struct Reported {
    /// The last problem, in librdkafka's words.
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

impl ClientReports {
    /// The last problem.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.reported().trouble.clone()
    }

    /// Why there is no connection to any broker, while there is none.
    pub(crate) fn outage(&self) -> Option<String> {
        let reported = self.reported();
        let trouble = || reported.trouble.clone().unwrap_or_else(|| "no broker answers".to_owned());
        reported.alone.then(trouble)
    }

    /// Why a broker did not let us in.
    pub(crate) fn refused(&self) -> Option<String> {
        self.reported().refused.clone()
    }

    /// The first offset of a partition that was not there yet when its broker last reported.
    pub(crate) fn newest(&self, topic: &str, partition: u16) -> Option<u64> {
        self.reported().newest.get(topic)?.get(&i32::from(partition)).copied()
    }

    /// How many partitions a topic had when its brokers were last asked.
    pub(crate) fn partitions(&self, topic: &str) -> Option<usize> {
        self.reported().partitions.get(topic).copied()
    }

    fn reported(&self) -> MutexGuard<'_, Reported> {
        self.0.lock().expect("no thread panics while it holds the reports")
    }
}

impl ClientContext for ClientReports {
    fn log(&self, _level: RDKafkaLogLevel, part: &str, line: &str) {
        tracing::debug!(part, line, "librdkafka");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let code = error.rdkafka_error_code();
        // the one is no trouble, the other follows from an earlier report and says less.
        let idle = [RDKafkaErrorCode::PartitionEOF, RDKafkaErrorCode::AllBrokersDown];
        if code.is_some_and(|code| idle.contains(&code)) {
            return;
        }
        tracing::debug!(%error, reason, "kafka client");
        let mut reported = self.reported();
        let reason = in_short(reason);
        if code == Some(RDKafkaErrorCode::Authentication) {
            reported.refused = Some(reason.clone());
        }
        reported.trouble = Some(reason);
    }

    fn stats(&self, statistics: Statistics) {
        let mut reported = self.reported();
        reported.alone = statistics.brokers.values().all(|broker| broker.state != "UP");
        for (topic, statistics) in statistics.topics {
            // -1 is librdkafka's own, for messages without a partition.
            let partitions = statistics.partitions.keys().filter(|number| **number >= 0).count();
            reported.partitions.insert(topic.clone(), partitions);
            let newest = reported.newest.entry(topic).or_default();
            for (partition, statistics) in statistics.partitions {
                // what lies beyond the last stable offset cannot be read yet.
                let end = if statistics.ls_offset >= 0 {
                    statistics.ls_offset
                } else {
                    statistics.hi_offset
                };
                if let Ok(end) = u64::try_from(end) {
                    newest.insert(partition, end);
                }
            }
        }
    }
}

impl ConsumerContext for ClientReports {}

/// A reason without librdkafka's name for the connection and the times it measured.
///
/// `host:1/bootstrap: Connect to ipv4#1.2.3.4:1 failed: Connection refused (after 0ms in state …)`
fn in_short(reason: &str) -> String {
    let text = reason.split_once(": ").map_or(reason, |(_, text)| text);
    let text = text.split_once(" (after ").map_or(text, |(text, _)| text);
    text.trim_end_matches('.').to_owned()
}
