//! The start and the end of a topic's range: exactly the samples between them are consumed.

use crate::broker::brokers;
use crate::needs::KAFKA;
use crate::program::{Program, Ran, run_program};
use crate::topics::{add_partitions, create, delete, in_minutes, produce, unique};

crate::suite::tests! {
    exactly_the_messages_from_start_to_until_are_consumed needs KAFKA,
    latest_reads_messages_after_the_start needs KAFKA,
    offsets_beyond_the_topic_are_rejected needs KAFKA,
    deleted_offsets_are_reported needs KAFKA,
    partitions_added_to_a_bounded_run_are_read_after_a_restart needs KAFKA,
}

/// Messages in each of the two partitions, ten milliseconds apart.
const LENGTH: u64 = 100;

/// Writes messages number `numbers` of both partitions.
fn fill(brokers: &str, topic: &str, numbers: std::ops::Range<u64>) {
    let payload = |i: u64| format!("{{\"a\":{i},\"c\":{}}}", i % 2).into_bytes();
    let rows: Vec<_> = numbers
        .flat_map(|i| [0, 1].map(|partition| (partition, 1_000_000 + 10 * i as i64, payload(i))))
        .collect();
    produce(
        brokers,
        topic,
        rows.iter().map(|(partition, time, row)| (*partition, *time, &row[..])),
    );
}

/// A job over `topic` that trains once, on its first `count` samples.
fn job(brokers: &str, topic: &str, bounds: &str, count: u64) -> String {
    format!(
        "name = \"bounds\"
        [source.kafka]
        brokers = \"{brokers}\"
        topics = [\"{topic}\"]
        {bounds}
        [codec.json]
        features = [\"a\"]
        label = \"c\"
        [trigger.amount]
        every = {count}
        [selection.new_data]
        [model.mlp]
        hidden = [2]
        [training]"
    )
}

/// Checks that the job read exactly `count` samples and trained on all of them.
fn assert_consumed(ran: &Ran, count: u64, ranges: &[(u64, u64, u64)]) {
    assert_eq!(ran.summary["samples"], count, "{}\n{}", ran.summary, ran.said);
    assert_eq!(ran.trained_on(1), ranges);
    let last = ran.summary["triggers"][0]["position"]["offset"].as_u64().unwrap();
    assert!(ranges.iter().any(|(_, to, _)| last + 1 == *to), "{}", ran.summary);
}

fn exactly_the_messages_from_start_to_until_are_consumed() {
    let brokers = brokers();
    let topic = unique("bounds");
    create(brokers, &topic, 2);
    fill(brokers, &topic, 0..LENGTH);
    // 1,000,300 ms is the time of message 30. No message has exactly the time 1,000,695 ms; 70 is the next.
    let (thirty, seventy) = ("1970-01-01T00:16:40.300Z", "1970-01-01T00:16:40.695Z");
    let since = |time: &str| format!("start = {{ time = \"{time}\" }}");
    let until = |time: &str| format!("until = {{ time = \"{time}\" }}");
    let end = "until = \"end\"";
    let offsets = format!("start.offsets = {{ \"{topic}/1\" = 95 }}");
    let cases = [
        (format!("{}\n{end}", since(thirty)), [30..100, 30..100]),
        (until(seventy), [0..70, 0..70]),
        (format!("{}\n{}", since(thirty), until(seventy)), [30..70, 30..70]),
        (format!("{offsets}\n{end}"), [0..100, 95..100]),
        (format!("{offsets}\n{}", until("1970-01-01T00:16:40.970Z")), [0..97, 95..97]),
        // no message is that recent, and none will be: the range ends with the current messages.
        (until("1980-01-01T00:00:00Z"), [0..100, 0..100]),
    ];
    for (bounds, wanted) in cases {
        let ranges = wanted.map(|range| (range.start, range.end, range.end - range.start));
        let count = ranges.iter().map(|(.., samples)| samples).sum();
        let ran = run_program(&job(brokers, &topic, &bounds, count));
        assert_eq!(ran.code, Some(0), "{bounds}: {}", ran.said);
        assert_consumed(&ran, count, &ranges);
    }
}

fn latest_reads_messages_after_the_start() {
    let brokers = brokers();
    let topic = unique("latest");
    create(brokers, &topic, 2);
    fill(brokers, &topic, 0..LENGTH);
    let mut live = Program::start(&job(brokers, &topic, "start = \"latest\"", 20));
    let (_, soon) = in_minutes(10);
    let until = format!("start = \"latest\"\nuntil = {{ time = \"{soon}\" }}");
    let mut ends = Program::start(&job(brokers, &topic, &until, 20));
    // bounds are recorded before anything is read.
    live.wait_for("catalog.sqlite");
    ends.wait_for("catalog.sqlite");
    fill(brokers, &topic, LENGTH..LENGTH + 10);
    let ranges = [(100, 110, 10); 2];
    // in each partition, the first message that is not earlier ends the range.
    let (beyond, _) = in_minutes(20);
    produce(
        brokers,
        &topic,
        [(0, beyond, &b"{\"a\":0}"[..]), (1, beyond, b"{\"a\":0}")].into_iter(),
    );
    let ended = ends.end();
    ended.assert_done();
    assert_consumed(&ended, 20, &ranges);
    live.wait_for("models/1/version.json");
    live.interrupt();
    let live = live.end();
    assert_eq!(live.code, Some(130), "{}", live.said);
    assert_eq!((&live.summary["complete"], &live.summary["samples"]), (&false.into(), &22.into()));
    assert_eq!(live.trained_on(1), ranges);
}

fn offsets_beyond_the_topic_are_rejected() {
    let brokers = brokers();
    let topic = unique("offsets");
    create(brokers, &topic, 2);
    fill(brokers, &topic, 0..5);
    for (offsets, problem) in [
        (format!("\"{topic}/7\" = 1"), format!("there is no partition `{topic}/7`")),
        (format!("\"{topic}/1\" = 9"), format!("partition 1 of `{topic}` ends at offset 5")),
        (format!("\"{topic}x/1\" = 1"), "of one of `topics`".to_owned()),
        (format!("\"{topic}\" = 1"), "wanted `topic/partition`".to_owned()),
    ] {
        let ran =
            run_program(&job(brokers, &topic, &format!("start.offsets = {{ {offsets} }}"), 1));
        assert_eq!(ran.code, Some(78), "{}", ran.said);
        assert!(ran.said.contains(&problem), "{}", ran.said);
    }
}

fn deleted_offsets_are_reported() {
    let brokers = brokers();
    let topic = unique("removed");
    create(brokers, &topic, 2);
    fill(brokers, &topic, 0..20);
    delete(brokers, &topic, 1, 5);
    let from = |bounds: String| run_program(&job(brokers, &topic, &bounds, 35));
    let lost = from(format!("start.offsets = {{ \"{topic}/1\" = 4 }}"));
    assert_eq!(lost.code, Some(69), "{}", lost.said);
    let text = format!("partition 1 of `{topic}` no longer has offset 4: it has 5 to 20");
    assert!(lost.said.contains(&text), "{}", lost.said);
    let rest = from("until = \"end\"".to_owned());
    assert_consumed(&rest, 35, &[(0, 20, 20), (5, 20, 15)]);
}

fn partitions_added_to_a_bounded_run_are_read_after_a_restart() {
    let brokers = brokers();
    let topic = unique("bounds");
    create(brokers, &topic, 2);
    fill(brokers, &topic, 0..LENGTH);
    let text = job(brokers, &topic, "until = \"end\"", 100);
    let ran = run_program(&text);
    ran.assert_done();
    assert_eq!(ran.summary["samples"], 2 * LENGTH);
    add_partitions(brokers, &topic, 4);
    let row = b"{\"a\":1,\"c\":0}";
    produce(brokers, &topic, (0..160).map(|i| (2 + i % 2, 5_000_000 + i64::from(i), &row[..])));
    let ran = Program::start_at(ran.folder, &text, &[], &[]).end();
    ran.assert_done();
    assert_eq!(ran.summary["samples"], 2 * LENGTH + 160, "{}", ran.said);
    assert_eq!(ran.trained_on(3).iter().map(|range| range.2).sum::<u64>(), 100);
    let ran = Program::start_at(ran.folder, &text, &[], &[]).end();
    ran.assert_done();
    assert_eq!(ran.summary["samples"], 2 * LENGTH + 160, "{}", ran.said);
}
