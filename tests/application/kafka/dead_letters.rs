//! Invalid messages: in a topic, in a file, and replayed to their topic.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Headers, Message, OwnedMessage};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};

use crate::broker::brokers;
use crate::needs::KAFKA;
use crate::program::run_program;
use crate::topics::{create, unique};
use crate::wait::{LIMIT, OutputInTime, wait_for};

crate::suite::tests! {
    dead_letters_go_to_a_topic_and_are_replayed_to_their_source needs KAFKA,
    dead_letters_in_a_file_are_replayed needs KAFKA,
    invalid_messages_can_be_skipped_or_end_the_job needs KAFKA,
}

fn client(brokers: &str) -> ClientConfig {
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", brokers).set("group.id", "independent");
    client.set("enable.partition.eof", "true");
    client
}

/// Every fourth message has no column `a`, and every tenth is not JSON.
fn fill(brokers: &str, topic: &str, count: i64) {
    let producer: BaseProducer = client(brokers).create().unwrap();
    for i in 0..count {
        let value = match i {
            _ if i % 10 == 0 => "garbage".to_owned(),
            _ if i % 4 == 0 => format!("{{\"b\":{i},\"c\":1}}"),
            _ => format!("{{\"a\":{i},\"c\":{}}}", i % 2),
        };
        let key = format!("key-{i}");
        let record = BaseRecord::to(topic).partition((i % 2) as i32).timestamp(1_000 + i);
        producer.send(record.key(&key).payload(&value)).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(Duration::from_secs(30)).unwrap();
}

/// All messages of a topic with two partitions or one.
pub(super) fn messages(brokers: &str, topic: &str, partitions: i32) -> Vec<OwnedMessage> {
    let consumer: BaseConsumer = client(brokers).create().unwrap();
    let mut assignment = TopicPartitionList::new();
    for partition in 0..partitions {
        assignment.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
    }
    consumer.assign(&assignment).unwrap();
    let (mut ended, mut found) = (0, Vec::new());
    wait_for(&format!("the end of `{topic}`"), LIMIT, || {
        match consumer.poll(Duration::from_millis(100)) {
            None => {}
            Some(Ok(message)) => found.push(message.detach()),
            Some(Err(KafkaError::PartitionEOF(_))) => ended += 1,
            Some(Err(error)) => panic!("{error}"),
        }
        ended == partitions
    });
    found
}

pub(super) fn header(message: &OwnedMessage, name: &str) -> String {
    let headers = message.headers().unwrap();
    let value = headers.iter().find(|header| header.key == name).unwrap().value.unwrap();
    String::from_utf8(value.to_vec()).unwrap()
}

fn job(brokers: &str, topic: &str, more: &str) -> String {
    format!(
        "name = \"dead-letters\"
        source.kafka = {{ brokers = \"{brokers}\", topics = [\"{topic}\"], until = \"end\" }}
        codec.json = {{ features = [\"a\"], label = \"c\" }}
        trigger.amount.every = 1000
        selection.new_data = {{}}
        model.mlp.hidden = [2]
        training = {{}}
        {more}"
    )
}

/// Runs `driftmill replay-dead-letters`. Returns its output.
fn replay(text: &str, folder: &Path, arguments: &[&str]) -> String {
    let file = folder.join("replay.toml");
    std::fs::write(&file, text).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_driftmill"))
        .args([Path::new("replay-dead-letters"), &file])
        .args([Path::new("--memory"), &folder.join("replayed")])
        .args(arguments)
        .output_in_time();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Adds transactions to a topic, which then ends with their markers: offsets without messages.
fn end_with_markers(brokers: &str, topic: &str) {
    let producer: BaseProducer =
        client(brokers).set("transactional.id", unique("others")).create().unwrap();
    producer.init_transactions(LIMIT).unwrap();
    for commit in [true, false] {
        producer.begin_transaction().unwrap();
        let record = BaseRecord::<(), str>::to(topic).payload("no dead letter");
        producer.send(record).map_err(|(error, _)| error).unwrap();
        producer.flush(LIMIT).unwrap();
        if commit {
            producer.commit_transaction(LIMIT).unwrap();
        } else {
            producer.abort_transaction(LIMIT).unwrap();
        }
    }
}

fn dead_letters_go_to_a_topic_and_are_replayed_to_their_source() {
    let brokers = brokers();
    let (topic, dead_letters) = (unique("samples"), unique("letters"));
    create(brokers, &topic, 2);
    fill(brokers, &topic, 100);
    let text = job(brokers, &topic, &format!("dead_letters.topic = \"{dead_letters}\""));
    let ran = run_program(&text);
    ran.assert_done();
    assert_eq!((&ran.summary["samples"], &ran.summary["dead_letters"]), (&70.into(), &30.into()));
    assert!(!ran.folder.path().join("state/dead-letters.jsonl").exists());
    let found = messages(brokers, &dead_letters, 1);
    assert_eq!(found.len(), 30);
    let story = |message: &OwnedMessage| {
        let topic = header(message, "driftmill.topic");
        let [partition, offset] = ["partition", "offset"]
            .map(|name| header(message, &format!("driftmill.{name}")).parse::<i64>().unwrap());
        (topic, 2 * offset + partition)
    };
    for message in &found {
        let (from, i) = story(message);
        assert_eq!(from, topic);
        assert_eq!(message.key(), Some(format!("key-{i}").as_bytes()));
        assert_eq!(header(message, "driftmill.timestamp"), (1_000 + i).to_string());
        assert_eq!(header(message, "driftmill.stage"), "decode");
        assert_eq!(header(message, "driftmill.run"), ran.summary["run"].as_str().unwrap());
        let (class, bytes) = match i % 10 {
            0 => ("malformed", "garbage".to_owned()),
            _ => ("missing_column", format!("{{\"b\":{i},\"c\":1}}")),
        };
        assert_eq!(header(message, "driftmill.error"), class);
        assert_eq!(message.payload(), Some(bytes.as_bytes()));
    }

    end_with_markers(brokers, &dead_letters);
    let folder = tempfile::tempdir().unwrap();
    let dry = replay(&text, folder.path(), &["--dry-run"]);
    assert!(dry.starts_with("30 to be sent, 0 sent before, 0 of other classes"), "{dry}");
    let some = replay(&text, folder.path(), &["--error", "missing_column"]);
    assert!(some.starts_with("20 sent, 0 sent before, 10 of other classes"), "{some}");
    let again = replay(&text, folder.path(), &["--error", "missing_column"]);
    assert!(again.starts_with("0 sent, 20 sent before, 10 of other classes"), "{again}");
    let all = messages(brokers, &topic, 2);
    assert_eq!(all.len(), 120);
    for message in all.iter().filter(|message| message.headers().is_some()) {
        let of = header(message, "driftmill.replay-of");
        let of: Vec<i64> = of.split('/').skip(1).map(|number| number.parse().unwrap()).collect();
        let i = 2 * of[1] + of[0];
        assert_eq!(message.timestamp().to_millis(), Some(1_000 + i));
        assert_eq!(message.partition(), of[0] as i32);
        assert_eq!(message.key(), Some(format!("key-{i}").as_bytes()));
    }

    // the pipeline is corrected: the messages are samples now.
    let corrected = text.replace("features = [\"a\"]", "features = [\"b\"]");
    let ran = run_program(&corrected);
    ran.assert_done();
    assert_eq!(ran.summary["samples"], 40, "{}", ran.summary);
}

fn dead_letters_in_a_file_are_replayed() {
    let brokers = brokers();
    let topic = unique("samples");
    create(brokers, &topic, 2);
    fill(brokers, &topic, 40);
    let text = job(brokers, &topic, "");
    let ran = run_program(&text);
    ran.assert_done();
    let dead_letters = ran.dead_letters();
    assert_eq!(dead_letters.len(), 12);
    assert!(dead_letters.iter().all(|dead_letter| dead_letter["run"] == ran.summary["run"]));
    let folder = tempfile::tempdir().unwrap();
    let state = ran.folder.path().join("state");
    let state = ["--state", state.to_str().unwrap()];
    let sent = replay(&text, folder.path(), &state);
    assert!(sent.starts_with("12 sent, 0 sent before"), "{sent}");
    // a job that was killed writes some dead letters twice, and half of one.
    let file = ran.folder.path().join("state/dead-letters.jsonl");
    let twice = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{twice}{twice}{{\"topic\":")).unwrap();
    let sent = replay(&text, folder.path(), &state);
    assert!(sent.starts_with("0 sent, 24 sent before"), "{sent}");
    assert_eq!(messages(brokers, &topic, 2).len(), 52);
}

fn invalid_messages_can_be_skipped_or_end_the_job() {
    let brokers = brokers();
    let topic = unique("samples");
    create(brokers, &topic, 2);
    fill(brokers, &topic, 40);
    let ran = run_program(&job(brokers, &topic, "dead_letters.on_error = \"skip\""));
    ran.assert_done();
    assert_eq!(ran.summary["dead_letters"], 12);
    assert!(!ran.folder.path().join("state/dead-letters.jsonl").exists());
    let ran = run_program(&job(brokers, &topic, "dead_letters.on_error = \"fail\""));
    assert_eq!(ran.code, Some(65), "{}", ran.said);
    let wanted = format!("message 0 in partition 0 of `{topic}` is not a sample: ");
    assert!(ran.said.contains(&wanted) && ran.said.contains("hint: correct"), "{}", ran.said);
}
