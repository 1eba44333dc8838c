//! Kafka topics for tests, written and read without the program's own code.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::wait::{LIMIT, wait_for};
use driftmill::kafka::create_topic;
use parking_lot::Mutex;
use rdkafka::ClientConfig;
use rdkafka::admin::{
    AdminClient, AdminOptions, NewPartitions, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, DeliveryResult, Headers, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext, ThreadedProducer};
use rdkafka::{ClientContext, Offset, TopicPartitionList};

/// A name that no other test uses.
pub(crate) fn unique(name: &str) -> String {
    format!("{name}-{}", &uuid::Uuid::new_v4().to_string()[..8])
}

/// Creates a topic.
pub(crate) fn create(brokers: &str, topic: &str, partitions: i32) {
    create_topic(&client(brokers), brokers, topic, partitions).unwrap();
}

/// Creates a topic with a unique name, which begins with `name`.
pub(crate) fn new_topic(brokers: &str, name: &str, partitions: i32) -> String {
    let topic = unique(name);
    create(brokers, &topic, partitions);
    topic
}

/// Creates a topic of one partition with a maximum message size in bytes.
pub(crate) fn create_limited(brokers: &str, topic: &str, bytes: usize) {
    let admin: AdminClient<DefaultClientContext> = client(brokers).create().unwrap();
    let bytes = bytes.to_string();
    let wanted = NewTopic::new(topic, 1, TopicReplication::Fixed(-1))
        .set("retention.ms", "-1")
        .set("max.message.bytes", &bytes);
    let created = admin.create_topics([&wanted], &AdminOptions::new());
    futures_executor::block_on(created).unwrap().remove(0).unwrap();
}

/// Deletes the messages of a partition before `offset`, as retention does.
pub(crate) fn delete(brokers: &str, topic: &str, partition: i32, offset: i64) {
    let mut before = TopicPartitionList::new();
    before.add_partition_offset(topic, partition, Offset::Offset(offset)).unwrap();
    let admin: AdminClient<DefaultClientContext> = client(brokers).create().unwrap();
    let deleted = admin.delete_records(&before, &AdminOptions::new());
    futures_executor::block_on(deleted).unwrap();
}

/// Deletes a topic.
pub(crate) fn delete_topic(brokers: &str, topic: &str) {
    let admin: AdminClient<DefaultClientContext> = client(brokers).create().unwrap();
    let deleted = admin.delete_topics(&[topic], &AdminOptions::new());
    futures_executor::block_on(deleted).unwrap().remove(0).unwrap();
}

pub(crate) fn add_partitions(brokers: &str, topic: &str, partitions: usize) {
    let admin: AdminClient<DefaultClientContext> = client(brokers).create().unwrap();
    let more = [NewPartitions::new(topic, partitions)];
    let added = admin.create_partitions(&more, &AdminOptions::new());
    futures_executor::block_on(added).unwrap().remove(0).unwrap();
}

fn client(brokers: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers);
    config
}

/// Writes (partition, timestamp, payload), in this order within a partition.
pub(crate) fn produce<'a>(
    brokers: &str,
    topic: &str,
    messages: impl Iterator<Item = (i32, i64, &'a [u8])>,
) {
    let keyless = |(partition, time, payload)| (partition, time, None, Some(payload));
    produce_keyed(brokers, topic, messages.map(keyless));
}

/// A message: partition, timestamp, key, payload.
pub(crate) type Keyed<'a> = (i32, i64, Option<&'a str>, Option<&'a [u8]>);

/// Writes messages with keys. A message without a payload is a tombstone.
pub(crate) fn produce_keyed<'a>(
    brokers: &str,
    topic: &str,
    messages: impl Iterator<Item = Keyed<'a>>,
) {
    let rejected = Rejected::default();
    let producer: ThreadedProducer<Rejected> = client(brokers)
        .set("enable.idempotence", "true")
        .set("queue.buffering.max.messages", "1000000")
        .create_with_context(rejected.clone())
        .unwrap();
    for (partition, time, key, payload) in messages {
        let mut record: BaseRecord<'_, str, [u8]> =
            BaseRecord::to(topic).partition(partition).timestamp(time);
        (record.key, record.payload) = (key, payload);
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(Duration::from_secs(60)).unwrap();
    assert_eq!(*rejected.0.lock(), [], "messages for `{topic}` were refused");
}

/// Errors of messages that the brokers rejected.
#[derive(Clone, Default)]
struct Rejected(Arc<Mutex<Vec<KafkaError>>>);

impl ClientContext for Rejected {}

impl ProducerContext for Rejected {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, _opaque: ()) {
        if let Err((error, _)) = result {
            self.0.lock().push(error.clone());
        }
    }
}

/// A future time, in milliseconds since 1970 and as RFC 3339. Brokers accept no message from more than an
/// hour ahead.
pub(crate) fn in_minutes(minutes: u64) -> (i64, String) {
    let time = SystemTime::now() + Duration::from_secs(60 * minutes);
    let time = chrono::DateTime::<chrono::Utc>::from(time);
    (time.timestamp_millis(), time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
}

/// The end of a transaction.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Ending {
    Commit,
    Abort,
    /// The producer disappears and leaves the transaction open.
    Open,
}

/// Writes (partition, timestamp, payload) in one transaction.
pub(crate) fn transact(
    brokers: &str,
    topic: &str,
    messages: impl Iterator<Item = (i32, i64, Vec<u8>)>,
    ending: Ending,
) {
    transact_as(brokers, &unique("tx"), topic, messages, ending);
}

/// Writes (partition, timestamp, payload) in one transaction of this producer.
pub(crate) fn transact_as(
    brokers: &str,
    producer: &str,
    topic: &str,
    messages: impl Iterator<Item = (i32, i64, Vec<u8>)>,
    ending: Ending,
) {
    let limit = Duration::from_secs(30);
    let producer: BaseProducer =
        client(brokers).set("transactional.id", producer).create().unwrap();
    producer.init_transactions(limit).unwrap();
    producer.begin_transaction().unwrap();
    for (partition, time, payload) in messages {
        let record: BaseRecord<'_, (), [u8]> =
            BaseRecord::to(topic).partition(partition).timestamp(time).payload(&payload);
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(limit).unwrap();
    match ending {
        Ending::Commit => producer.commit_transaction(limit).unwrap(),
        Ending::Abort => producer.abort_transaction(limit).unwrap(),
        Ending::Open => {}
    }
}

/// Aborts the open transaction of an ended producer: another producer takes its id.
pub(crate) fn end_transactions(brokers: &str, producer: &str) {
    let producer: BaseProducer =
        client(brokers).set("transactional.id", producer).create().unwrap();
    producer.init_transactions(Duration::from_secs(30)).unwrap();
}

/// The retention time of a topic, as its setting defines it.
pub(crate) fn retention(brokers: &str, topic: &str) -> String {
    let admin: AdminClient<DefaultClientContext> = client(brokers).create().unwrap();
    let wanted = ResourceSpecifier::Topic(topic);
    let described = admin.describe_configs([&wanted], &AdminOptions::new());
    let described = futures_executor::block_on(described).unwrap().remove(0).unwrap();
    described.get("retention.ms").and_then(|entry| entry.value.clone()).unwrap()
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

/// Every committed message of a topic's only partition. It must not be written to at the same time.
pub(crate) fn consume_all(brokers: &str, topic: &str) -> Vec<Event> {
    let consumer: BaseConsumer = client(brokers)
        .set("group.id", "independent")
        .set("isolation.level", "read_committed")
        .set("enable.partition.eof", "true")
        .create()
        .unwrap();
    let mut assignment = TopicPartitionList::new();
    assignment.add_partition_offset(topic, 0, Offset::Beginning).unwrap();
    consumer.assign(&assignment).unwrap();
    let mut events = Vec::new();
    // a transaction that was left open hides all later messages, so that this would never end.
    wait_for(&format!("the end of `{topic}`"), LIMIT, || {
        match consumer.poll(Duration::from_millis(100)) {
            None => false,
            Some(Ok(message)) => {
                events.push(event(&message));
                false
            }
            Some(Err(KafkaError::PartitionEOF(_))) => true,
            Some(Err(error)) => panic!("{error}"),
        }
    });
    events
}

/// The first `count` messages of a topic's only partition.
pub(crate) fn consume(brokers: &str, topic: &str, count: usize) -> Vec<Event> {
    let consumer: BaseConsumer = client(brokers).set("group.id", "independent").create().unwrap();
    let mut assignment = TopicPartitionList::new();
    assignment.add_partition_offset(topic, 0, Offset::Beginning).unwrap();
    consumer.assign(&assignment).unwrap();
    let mut events = Vec::new();
    wait_for(&format!("{count} events of `{topic}`"), LIMIT, || {
        let message = (events.len() < count).then(|| consumer.poll(Duration::from_millis(100)));
        events.extend(message.flatten().map(|message| event(&message.unwrap())));
        events.len() == count
    });
    events
}

fn event(message: &BorrowedMessage<'_>) -> Event {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Event {
        key: message.key().map(text),
        headers: message
            .headers()
            .into_iter()
            .flat_map(|headers| headers.iter())
            .map(|header| (header.key.to_owned(), header.value.map(text).unwrap_or_default()))
            .collect(),
        value: serde_json::from_slice(message.payload().unwrap()).unwrap(),
    }
}
