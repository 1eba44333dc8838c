//! Topics of the tests, written and read without the program's own code.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use driftmill::sink::create_topic;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Headers, Message};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use rdkafka::{Offset, TopicPartitionList};

/// A name that no other test uses.
pub(crate) fn unique(name: &str) -> String {
    format!("{name}-{}", &uuid::Uuid::new_v4().to_string()[..8])
}

/// Creates a topic.
pub(crate) fn create(brokers: &str, topic: &str, partitions: i32) {
    create_topic(&client(brokers), brokers, topic, partitions).unwrap();
}

fn client(brokers: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers);
    config
}

/// Writes (partition, timestamp, payload), in this order inside a partition.
pub(crate) fn produce<'a>(
    brokers: &str,
    topic: &str,
    messages: impl Iterator<Item = (i32, i64, &'a [u8])>,
) {
    let producer: ThreadedProducer<DefaultProducerContext> = client(brokers)
        .set("enable.idempotence", "true")
        .set("queue.buffering.max.messages", "1000000")
        .create()
        .unwrap();
    for (partition, time, payload) in messages {
        let record: BaseRecord<'_, (), [u8]> =
            BaseRecord::to(topic).partition(partition).timestamp(time).payload(payload);
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(Duration::from_secs(60)).unwrap();
}

/// A message of a topic of model versions.
pub(crate) struct Event {
    pub(crate) key: Option<String>,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) value: serde_json::Value,
}

impl Event {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// The first `count` messages of a topic's only partition.
pub(crate) fn consume(brokers: &str, topic: &str, count: usize) -> Vec<Event> {
    let consumer: BaseConsumer = client(brokers).set("group.id", "independent").create().unwrap();
    let mut assignment = TopicPartitionList::new();
    assignment.add_partition_offset(topic, 0, Offset::Beginning).unwrap();
    consumer.assign(&assignment).unwrap();
    let begun = Instant::now();
    let mut events = Vec::new();
    while events.len() < count {
        assert!(begun.elapsed() < Duration::from_secs(60), "{} of {count} events", events.len());
        let Some(message) = consumer.poll(Duration::from_millis(100)) else { continue };
        let message = message.unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        events.push(Event {
            key: message.key().map(text),
            headers: message
                .headers()
                .into_iter()
                .flat_map(|headers| headers.iter())
                .map(|header| (header.key.to_owned(), header.value.map(text).unwrap_or_default()))
                .collect(),
            value: serde_json::from_slice(message.payload().unwrap()).unwrap(),
        });
    }
    events
}
