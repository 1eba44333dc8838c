//! Reports of a Kafka client that are not messages.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use rdkafka::Statistics;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

/// Reports of a consumer other than messages. They arrive while it is polled.
///
/// Clones share the reports. Lines of librdkafka go to the log of the program.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClientReports(Arc<Mutex<Reported>>);

#[derive(Debug, Default)]
struct Reported {
    /// The last problem, in the words of librdkafka.
    trouble: Option<String>,
    /// The reason why a broker denied access.
    refused: Option<String>,
    /// The end of each partition, by topic.
    ends: HashMap<String, HashMap<i32, PartitionEnds>>,
    /// Whether no broker is connected.
    alone: bool,
    /// For each topic, the number of its partitions.
    partitions: HashMap<String, usize>,
}

/// The end of a partition, as last reported by its broker.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PartitionEnds {
    /// The first offset that was not there yet, committed or not: the high watermark.
    pub(crate) newest: u64,
    /// The first offset of an open transaction, or else the high watermark: the last stable offset.
    pub(crate) stable: Option<u64>,
}

impl ClientReports {
    /// The last problem.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.0.lock().trouble.clone()
    }

    /// The reason why no broker is connected; none if one is.
    pub(crate) fn outage(&self) -> Option<String> {
        let reported = self.0.lock();
        let trouble = || reported.trouble.clone().unwrap_or_else(|| "no broker answers".to_owned());
        reported.alone.then(trouble)
    }

    /// The reason why a broker denied access.
    pub(crate) fn refused(&self) -> Option<String> {
        self.0.lock().refused.clone()
    }

    /// The end of a partition; none until its broker has reported it.
    pub(crate) fn ends(&self, topic: &str, partition: u16) -> Option<PartitionEnds> {
        self.0.lock().ends.get(topic)?.get(&i32::from(partition)).copied()
    }

    /// The number of partitions of a topic at the last request.
    pub(crate) fn partitions(&self, topic: &str) -> Option<usize> {
        self.0.lock().partitions.get(topic).copied()
    }
}

impl ClientContext for ClientReports {
    fn log(&self, _level: RDKafkaLogLevel, part: &str, line: &str) {
        tracing::debug!(part, line, "librdkafka");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let code = error.rdkafka_error_code();
        // the first is not a problem, and the second follows from an earlier report with more details.
        let idle = [RDKafkaErrorCode::PartitionEOF, RDKafkaErrorCode::AllBrokersDown];
        if code.is_some_and(|code| idle.contains(&code)) {
            return;
        }
        tracing::debug!(%error, reason, "kafka client");
        let mut reported = self.0.lock();
        let reason = in_short(reason);
        if code == Some(RDKafkaErrorCode::Authentication) {
            reported.refused = Some(reason.clone());
        }
        reported.trouble = Some(reason);
    }

    fn stats(&self, statistics: Statistics) {
        let mut reported = self.0.lock();
        reported.alone = statistics.brokers.values().all(|broker| broker.state != "UP");
        for (topic, statistics) in statistics.topics {
            // -1 is librdkafka's internal partition for messages without a partition.
            let partitions = statistics.partitions.keys().filter(|number| **number >= 0).count();
            reported.partitions.insert(topic.clone(), partitions);
            let ends = reported.ends.entry(topic).or_default();
            for (partition, statistics) in statistics.partitions {
                // negative numbers stand for offsets that are not known.
                let known = |offset: i64| u64::try_from(offset).ok();
                let stable = known(statistics.ls_offset);
                if let Some(newest) = known(statistics.hi_offset).max(stable) {
                    ends.insert(partition, PartitionEnds { newest, stable });
                }
            }
        }
    }
}

impl ConsumerContext for ClientReports {}

/// A reason without librdkafka's name of the connection and its times.
///
/// `host:1/bootstrap: Connect to ipv4#1.2.3.4:1 failed: Connection refused (after 0ms in state …)`
fn in_short(reason: &str) -> String {
    let text = reason.split_once(": ").map_or(reason, |(_, text)| text);
    let text = text.split_once(" (after ").map_or(text, |(text, _)| text);
    text.trim_end_matches('.').to_owned()
}
