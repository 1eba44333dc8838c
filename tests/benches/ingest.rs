//! Ingestion from Kafka into the durable log, compared with a bare librdkafka consumer that drops every
//! message: one worker, samples of 1 KB, the same topic, in alternating rounds.
//!
//! ```text
//! cargo bench --bench ingest
//! ```
//!
//! Each rate covers the time from the creation of a consumer to the last message, for our job to the last
//! commit. The write rate of the disk is measured too, as the upper bound of durable ingestion. Starts a
//! broker of its own unless `$DRIFTMILL_TEST_BROKERS` names one.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

#[path = "../support/with_broker.rs"]
mod with_broker;

use with_broker::{broker, certificates, server, wait};

use std::io::Write;
use std::time::{Duration, Instant};

use driftmill::config::load;
use driftmill::job::{Interrupt, Options, run};
use driftmill::kafka::create_topic;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const MESSAGES: u64 = 2_000_000;
const PARTITIONS: i32 = 4;
const ROUNDS: usize = 5;

/// 2021-01-01, in milliseconds since 1970.
const FIRST: i64 = 1_609_459_200_000;

/// Images of 32 × 32 bytes, each after its class. Adjacent images differ.
fn fill(brokers: &str, topic: &str) {
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", brokers).set("queue.buffering.max.messages", "200000");
    client.set("linger.ms", "20").set("batch.size", "1000000");
    create_topic(&client, brokers, topic, PARTITIONS).expect("a broker creates a topic");
    let producer: BaseProducer = client.create().expect("a producer starts");
    let mut payload = [7; 1 + 1024];
    for i in 0..MESSAGES {
        payload[0] = (i % 10) as u8;
        payload[1..9].copy_from_slice(&i.to_le_bytes());
        let partition = (i % PARTITIONS as u64) as i32;
        loop {
            let record: BaseRecord<'_, (), _> = BaseRecord::to(topic)
                .partition(partition)
                .timestamp(FIRST + i as i64)
                .payload(&payload[..]);
            match producer.send(record) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                    producer.poll(Duration::from_millis(10));
                }
                Err((error, _)) => panic!("{error}"),
            }
        }
    }
    producer.flush(Duration::from_secs(120)).expect("a broker takes what is sent");
}

/// Messages per second of a consumer that drops them, configured like ours.
fn bare(brokers: &str, topic: &str) -> f64 {
    let begun = Instant::now();
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "bare")
        .set("enable.auto.commit", "false")
        .set("isolation.level", "read_committed")
        .set("fetch.queue.backoff.ms", "5")
        .create()
        .expect("a consumer starts");
    let mut assignment = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        let added = assignment.add_partition_offset(topic, partition, Offset::Beginning);
        added.expect("an offset");
    }
    consumer.assign(&assignment).expect("partitions can be assigned");
    let (mut count, mut bytes) = (0, 0);
    while count < MESSAGES {
        if let Some(message) = consumer.poll(Duration::from_millis(100)) {
            bytes += message.expect("a message").payload().map_or(0, <[u8]>::len);
            count += 1;
        }
    }
    assert_eq!(bytes as u64, MESSAGES * 1025);
    MESSAGES as f64 / begun.elapsed().as_secs_f64()
}

/// Messages per second of a job that trains nothing.
fn ours(brokers: &str, topic: &str, sync: bool) -> f64 {
    let pipeline = format!(
        "name = \"ingest\"
        source.kafka = {{ brokers = \"{brokers}\", topics = [\"{topic}\"], until = \"end\" }}
        codec.image.shape = [1, 32, 32]
        trigger.amount.every = 1_000_000_000
        selection.new_data.limit = 1
        model.mlp = {{ hidden = [4], classes = 10 }}
        training = {{}}"
    );
    let pipeline = load("ingest.toml", &pipeline, &[]).expect("a pipeline");
    let folder = tempfile::tempdir().expect("there is room for a run");
    let options = Options { state: Some(folder.path().join("state")), sync, ..Options::default() };
    let ended = run(pipeline, &options, &Interrupt::default());
    let summary = ended.unwrap_or_else(|error| panic!("{error:?}")).summary;
    assert_eq!((summary.samples, summary.dead_letters), (MESSAGES, 0));
    MESSAGES as f64 / summary.seconds
}

/// Messages per second of a loop that writes as many bytes to a file, durable once a second.
fn disk() -> f64 {
    let mut file = tempfile::tempfile().expect("there is room for a file");
    let chunk = vec![7; 1 << 20];
    let (begun, mut synced) = (Instant::now(), Instant::now());
    for _ in 0..(MESSAGES * 1025) >> 20 {
        file.write_all(&chunk).expect("there is room for a file");
        if synced.elapsed() > Duration::from_secs(1) {
            file.sync_data().expect("a file can be synced");
            synced = Instant::now();
        }
    }
    file.sync_data().expect("a file can be synced");
    MESSAGES as f64 / begun.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let brokers = broker::brokers();
    let topic = format!("ingest-{}", uuid::Uuid::new_v4());
    fill(brokers, &topic);
    bare(brokers, &topic);
    let mut rounds: [Vec<f64>; 4] = Default::default();
    for round in 0..ROUNDS {
        let mut kinds = [0, 1, 2, 3];
        // the order rotates, because a run leaves other pages in memory for the next.
        kinds.rotate_left(round % 4);
        for kind in kinds {
            rounds[kind].push(match kind {
                0 => bare(brokers, &topic),
                1 => ours(brokers, &topic, true),
                2 => ours(brokers, &topic, false),
                _ => disk(),
            });
        }
        let [bare, durable, not, disk] = [0, 1, 2, 3].map(|kind| rounds[kind][round] / 1e3);
        println!("k/s: bare {bare:4.0}, durable {durable:4.0}, not {not:4.0}, the disk {disk:4.0}");
    }
    let ratio = |over: usize, under: &dyn Fn(usize) -> f64| {
        median((0..ROUNDS).map(|round| rounds[over][round] / under(round)).collect())
    };
    let bare = ratio(1, &|round| rounds[0][round]);
    let possible = ratio(1, &|round| rounds[0][round].min(rounds[3][round]));
    let durability = ratio(1, &|round| rounds[2][round]);
    println!("ours / bare                       {bare:.2} (median of {ROUNDS} rounds; goal 0.8)");
    println!("ours / the slower of bare, disk   {possible:.2}");
    println!("durable / not                     {durability:.2} (goal 0.9)");
}
