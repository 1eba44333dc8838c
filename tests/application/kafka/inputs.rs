//! Invalid messages in a whole job: each becomes a dead letter with its reason, and none stops the job.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::broker::brokers;
use crate::needs::KAFKA;
use crate::program::run_program;
use crate::small_job::small_job;
use crate::topics::{new_topic, produce};

crate::suite::tests! {
    a_too_large_message_becomes_a_dead_letter needs KAFKA,
    every_invalid_message_becomes_a_dead_letter_with_its_reason needs KAFKA,
}

/// A message, and the class and reason of its dead letter.
type Case = (&'static str, &'static str, &'static str);

const JSON: [Case; 8] = [
    ("{\"a\":NaN,\"c\":0}", "malformed", "not a JSON object"),
    ("{\"a\":Infinity,\"c\":0}", "malformed", "not a JSON object"),
    ("{\"a\":\"NaN\",\"c\":0}", "value", "column `a`: wanted a number"),
    ("{\"a\":-1e39,\"c\":0}", "value", "column `a`: wanted a finite 32-bit number"),
    ("{\"a\":1,\"c\":2}", "label", "class 2, but the model has 2: 0 to 1"),
    ("{\"a\":1,\"c\":-1}", "value", "column `c`: wanted a class"),
    ("{\"A\":1,\"c\":0}", "missing_column", "no column `a`"),
    ("", "empty", "the message is empty"),
];

const CSV: [Case; 8] = [
    ("NaN,0", "value", "column `a`: wanted a finite 32-bit number, found `NaN`"),
    ("inf,0", "value", "column `a`: wanted a finite 32-bit number, found `inf`"),
    ("-Infinity,0", "value", "column `a`: wanted a finite 32-bit number"),
    ("1e39,0", "value", "column `a`: wanted a finite 32-bit number"),
    ("1,2", "label", "class 2, but the model has 2: 0 to 1"),
    ("1,-1", "value", "column `c`: wanted a class"),
    ("1", "malformed", "wanted 2 fields, found 1"),
    ("", "empty", "the message is empty"),
];

fn a_too_large_message_becomes_a_dead_letter() {
    let brokers = brokers();
    let topic = new_topic(brokers, "large", 1);
    let large = format!("{{\"a\":1,\"c\":0,\"more\":\"{}\"}}", "x".repeat(100_000));
    let rows = ["{\"a\":1,\"c\":0}", &large, "{\"a\":2,\"c\":1}"];
    let rows = rows.iter().enumerate();
    produce(brokers, &topic, rows.map(|(i, text)| (0, 1000 + i as i64, text.as_bytes())));
    let ran = run_program(&small_job(&format!(
        "name = \"large\"
        source.kafka.brokers = \"{brokers}\"
        source.kafka.topics = [\"{topic}\"]
        source.kafka.until = \"end\"
        source.kafka.max_message = 100_000
        trigger.amount.every = 2"
    )));
    ran.assert_done();
    assert_eq!(ran.trained_on(1), [(0, 3, 2)]);
    let [dead_letter] = &ran.dead_letters()[..] else { panic!("one dead letter") };
    assert_eq!((&dead_letter["offset"], &dead_letter["error"]), (&1.into(), &"large".into()));
    assert_eq!(dead_letter["payload"], STANDARD.encode(&large));
}

fn every_invalid_message_becomes_a_dead_letter_with_its_reason() {
    let brokers = brokers();
    let json = "codec.json = { features = [\"a\"], label = \"c\" }";
    let csv = "codec.csv = { columns = [\"a\", \"c\"], features = [\"a\"], label = \"c\" }";
    for (codec, good, bad) in [(json, "{\"a\":1,\"c\":0}", JSON), (csv, "1,0", CSV)] {
        let topic = new_topic(brokers, "inputs", 1);
        // a valid message before and after each invalid one.
        let messages = bad.iter().flat_map(|(bad, ..)| [good, *bad]).chain([good]);
        let messages = messages.enumerate();
        produce(brokers, &topic, messages.map(|(i, text)| (0, 1000 + i as i64, text.as_bytes())));
        let ran = run_program(&small_job(&format!(
            "name = \"inputs\"
            source.kafka = {{ brokers = \"{brokers}\", topics = [\"{topic}\"], until = \"end\" }}
            {codec}
            trigger.amount.every = 9"
        )));
        ran.assert_done();
        assert_eq!((&ran.summary["samples"], &ran.summary["dead_letters"]), (&9.into(), &8.into()));
        // the valid messages were trained on, at their positions between the invalid ones.
        assert_eq!(ran.trained_on(1), [(0, 17, 9)]);
        let dead_letters = ran.dead_letters();
        for (number, ((text, class, reason), dead_letter)) in
            bad.iter().zip(&dead_letters).enumerate()
        {
            assert_eq!(dead_letter["offset"], 2 * number + 1, "{dead_letter}");
            assert_eq!(dead_letter["error"], *class, "{dead_letter}");
            assert!(dead_letter["reason"].as_str().unwrap().contains(reason), "{dead_letter}");
            assert_eq!(dead_letter["payload"], STANDARD.encode(text), "{dead_letter}");
        }
    }
}
