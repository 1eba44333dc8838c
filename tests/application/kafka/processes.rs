//! Several processes on Kafka topics.

use std::path::Path;

use serde_json::Value;

use super::keyed::{LABELS, Stream, labelled, labels_pipeline, training_sets};
use crate::broker::brokers;
use crate::cluster::{Place, Size};
use crate::needs::KAFKA;
use crate::results::{RunResult, without};
use crate::small_job::small_job;
use crate::topics::{consume_all, new_topic, produce, unique};

crate::suite::tests! {
    several_processes_publish_the_same_as_one needs KAFKA,
    keys_are_exchanged_between_processes needs KAFKA,
    labels_reach_samples_of_other_processes needs KAFKA,
}

/// Topic, partition, offset and class of each dead letter.
fn dead_letters(state: &Path) -> Vec<[Value; 4]> {
    let text = std::fs::read_to_string(state.join("dead-letters.jsonl")).unwrap();
    let dead_letter = |line: &str| {
        let dead_letter: Value = serde_json::from_str(line).unwrap();
        ["topic", "partition", "offset", "error"].map(|key| dead_letter[key].clone())
    };
    let mut dead_letters: Vec<_> = text.lines().map(dead_letter).collect();
    dead_letters.sort_by_key(|dead_letter| format!("{dead_letter:?}"));
    dead_letters
}

/// The result of a pipeline on this number of processes and workers, and its dead letters.
fn run(place: &Place, size: Size) -> (RunResult, Vec<[Value; 4]>) {
    let (made, state) = place.run(size);
    (made, dead_letters(&state))
}

fn several_processes_publish_the_same_as_one() {
    let brokers = brokers();
    let topic = new_topic(brokers, "shared", 3);
    let row = |i: i64| match i % 101 {
        100 => "garbage".to_owned(),
        _ => format!("{{\"a\":{},\"b\":{},\"c\":{}}}", i % 17, i % 5, i % 2),
    };
    let rows: Vec<_> =
        (0..6000).map(|i| ((i * 7 % 5) as i32 % 3, 1_000_000 + i * 10, row(i))).collect();
    produce(brokers, &topic, rows.iter().map(|(p, time, row)| (*p, *time, row.as_bytes())));
    let mut first = None;
    for size in [(1, 2), (2, 1), (2, 2)] {
        let models = unique("models");
        let place = Place::new(&format!(
            "name = \"shared\"
            source.kafka = {{ brokers = \"{brokers}\", topics = [\"{topic}\"], until = \"end\" }}
            codec.json = {{ features = [\"a\", \"b\"], label = \"c\" }}
            trigger.amount.every = 1300
            selection.new_data = {{ tail = 1, limit = 900, keep = \"uniform\" }}
            model.mlp.hidden = [4]
            training.epochs = 2
            evaluation.interval = \"10s\"
            sink.kafka.topic = \"{models}\""
        ));
        let made = run(&place, size);
        assert_eq!((made.0.summary["samples"].as_u64(), made.1.len()), (Some(5941), 59));
        let events = consume_all(brokers, &models).into_iter().map(|event| {
            let mut value = event.value;
            without(&mut value);
            value
        });
        let all = (made, events.collect::<Vec<_>>());
        assert_eq!(all.1.len(), 4);
        assert_eq!(first.get_or_insert(all.clone()), &all, "{size:?}");
    }
}

fn keys_are_exchanged_between_processes() {
    let brokers = brokers();
    let topic = Stream::new(1000).produce(brokers, "keyed");
    let place = Place::new(&small_job(&format!(
        "name = \"keyed\"
        trigger.amount.every = 100
        selection.new_data.tail = \"all\"
        evaluation.interval = \"200ms\"
        source.kafka = {{ brokers = \"{brokers}\", topics = [\"{topic}\"], until = \"end\", keyed = true }}"
    )));
    let wanted = run(&place, (1, 1));
    let sets = training_sets(&place.state("1x1"));
    for size in [(2, 1), (2, 2)] {
        assert_eq!(run(&place, size), wanted, "{size:?}");
        let state = place.state(&format!("{}x{}", size.0, size.1));
        assert_eq!(training_sets(&state), sets);
    }
}

fn labels_reach_samples_of_other_processes() {
    let brokers = brokers();
    let topics = labelled(brokers, &LABELS);
    for wait in ["0s", "25ms"] {
        let place = Place::new(&labels_pipeline(brokers, &topics.0, &topics.1, wait));
        let wanted = run(&place, (1, 1));
        assert_eq!(wanted.1.len(), 1);
        for size in [(2, 1), (3, 1)] {
            assert_eq!(run(&place, size), wanted, "{wait}, {size:?}");
        }
    }
}
