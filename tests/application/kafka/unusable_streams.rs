//! Streams in which no message is a sample, or no sample has a label, and messages that are too large for
//! the topic of dead letters.

use rdkafka::message::Message;

use super::dead_letters::{header, messages};
use crate::broker::brokers;
use crate::needs::KAFKA;
use crate::program::{Program, run_program};
use crate::topics::{create, create_limited, produce, unique};

crate::suite::tests! {
    a_stream_without_samples_ends_with_65_and_the_most_frequent_error needs KAFKA,
    dead_letters_of_one_error_are_bounded_in_bytes needs KAFKA,
    a_stream_without_labels_is_reported_with_the_existing_columns needs KAFKA,
    a_message_too_large_for_the_topic_of_dead_letters_is_sent_without_its_bytes needs KAFKA,
}

fn job(brokers: &str, topic: &str, more: &str) -> String {
    format!(
        "name = \"unusable\"
        source.kafka = {{ brokers = \"{brokers}\", topics = [\"{topic}\"], until = \"end\" }}
        codec.json = {{ features = [\"a\"], label = \"c\" }}
        trigger.amount.every = 100
        selection.new_data = {{}}
        model.mlp.hidden = [2]
        training = {{}}
        {more}"
    )
}

fn a_stream_without_samples_ends_with_65_and_the_most_frequent_error() {
    let brokers = brokers();
    let topic = unique("refused");
    create(brokers, &topic, 1);
    let rows =
        (0..1500).map(|i| if i % 3 == 0 { &b"{\"a\":\"x\"}"[..] } else { b"\0\0\0\0\x01ab" });
    produce(brokers, &topic, rows.enumerate().map(|(i, row)| (0, 1000 + i as i64, row)));
    let ran = run_program(&job(brokers, &topic, ""));
    assert_eq!(ran.code, Some(65), "{}", ran.said);
    assert_eq!(ran.summary["dead_letters"], 1500);
    let (_, error) = ran.said.split_once("error: ").unwrap();
    assert!(error.starts_with("none of 1500 messages is a sample: 1000 have error"), "{error}");
    assert!(error.contains("dead-letters.jsonl") && error.contains("hint: "), "{error}");
    let skip = run_program(&job(brokers, &topic, "dead_letters.on_error = \"skip\""));
    assert_eq!(skip.code, Some(0), "{}", skip.said);
    // an endless job reports it once and continues.
    let endless = job(brokers, &topic, "").replace(", until = \"end\"", "");
    let job = Program::start(&endless);
    std::thread::sleep(std::time::Duration::from_secs(4));
    job.terminate();
    let ran = job.end();
    assert_eq!(ran.code, Some(0), "{}", ran.said);
    assert_eq!(ran.said.matches("messages is a sample").count(), 1, "{}", ran.said);
}

fn dead_letters_of_one_error_are_bounded_in_bytes() {
    let brokers = brokers();
    let topic = unique("bounded");
    create(brokers, &topic, 1);
    let garbage = vec![b'x'; 1000];
    let good: &[u8] = b"{\"a\":1,\"c\":0}";
    let rows = (0..50).map(|_| &garbage[..]).chain([good, b"{\"c\":1}"]);
    produce(brokers, &topic, rows.map(|row| (0, 1000, row)));
    let ran = run_program(&job(brokers, &topic, "dead_letters.max_bytes = \"20kB\""));
    ran.assert_done();
    assert_eq!(ran.summary["dead_letters"], 51);
    let kept = ran.dead_letters();
    let of = |class: &str| kept.iter().filter(|letter| letter["error"] == class).count();
    assert_eq!((of("malformed"), of("missing_column")), (19, 1));
    assert_eq!(ran.said.matches("further ones are only counted").count(), 1, "{}", ran.said);
}

fn a_stream_without_labels_is_reported_with_the_existing_columns() {
    let brokers = brokers();
    for (row, said) in [
        ("{\"a\":1,\"klass\":0}", "there is no `c` among `a`, `klass`"),
        ("{\"a\":1,\"c\":null}", "`c` is empty in all of them"),
    ] {
        let topic = unique("unlabelled");
        create(brokers, &topic, 1);
        produce(brokers, &topic, (0..1200).map(|i| (0, 1000 + i, row.as_bytes())));
        let ran = run_program(&job(brokers, &topic, ""));
        ran.assert_done();
        let wanted = format!("none of the first 1000 samples has a label: {said}");
        assert_eq!(ran.said.matches(&wanted).count(), 1, "{}", ran.said);
    }
}

fn a_message_too_large_for_the_topic_of_dead_letters_is_sent_without_its_bytes() {
    let brokers = brokers();
    let (topic, letters) = (unique("large"), unique("letters"));
    create(brokers, &topic, 1);
    create_limited(brokers, &letters, 20_000);
    let large = vec![b'x'; 50_000];
    // small messages in one batch, which together exceed the limit of the topic.
    let small = vec![b'y'; 3000];
    let rows = (0..20).map(|_| &small[..]).chain([&large[..], b"{\"a\":1,\"c\":0}"]);
    produce(brokers, &topic, rows.map(|row| (0, 1000, row)));
    let more = format!("dead_letters.topic = \"{letters}\"");
    let ran = run_program(&job(brokers, &topic, &more));
    ran.assert_done();
    assert_eq!((&ran.summary["samples"], &ran.summary["dead_letters"]), (&1.into(), &21.into()));
    let found = messages(brokers, &letters, 1);
    let whole = found.iter().filter(|letter| letter.payload() == Some(&small[..])).count();
    let short: Vec<_> = found.iter().filter(|letter| letter.payload().is_none()).collect();
    assert_eq!((found.len(), whole, short.len()), (21, 20, 1));
    assert_eq!(header(short[0], "driftmill.offset"), "20");
    assert_eq!(header(short[0], "driftmill.payload-bytes"), "50000");
    let digest: [u8; 32] = {
        use sha2::Digest;
        sha2::Sha256::digest(&large).into()
    };
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(header(short[0], "driftmill.payload-sha256"), digest);
    // a dead letter without bytes cannot be sent again.
    let pipeline = ran.folder.path().join("p.toml");
    let memory = ran.folder.path().join("replayed");
    let said = crate::program::printed(&[
        "replay-dead-letters",
        pipeline.to_str().unwrap(),
        "--memory",
        memory.to_str().unwrap(),
    ]);
    assert!(said.starts_with("20 sent, 0 sent before, 0 of other classes, 1 without"), "{said}");
}
