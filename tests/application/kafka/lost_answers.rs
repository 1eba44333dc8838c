//! Publication where answers or decisions of brokers are lost.

use std::time::Duration;

use driftmill::catalog::Version;
use driftmill::sink::Published;
use rdkafka::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use super::publishing::{numbers, open, publish, version};
use crate::broker::brokers;
use crate::needs::KAFKA;
use crate::topics::{Ending, create, unique};

crate::suite::tests! {
    a_version_whose_acknowledgement_was_lost_is_not_sent_again needs KAFKA,
    a_version_whose_commit_was_lost_is_published_again needs KAFKA,
}

/// A publication without an answer: the version was published with our own transactional id, and our
/// producer can no longer be used.
fn publish_unheard(brokers: &str, topic: &str, version: &Version, ending: Ending) {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("transactional.id", format!("driftmill/model/{topic}"))
        .create()
        .unwrap();
    let limit = Duration::from_secs(30);
    producer.init_transactions(limit).unwrap();
    producer.begin_transaction().unwrap();
    let (number, value) = (version.version.to_string(), serde_json::to_vec(version).unwrap());
    let attributes = [
        ("ce_type", "io.driftmill.model.version"),
        ("ce_id", &version.id),
        ("ce_subject", &number),
    ];
    let headers = attributes.into_iter().fold(OwnedHeaders::new(), |headers, (key, value)| {
        headers.insert(Header { key, value: Some(value) })
    });
    let record = BaseRecord::to(topic).key("model").payload(&value).headers(headers);
    producer.send(record).map_err(|(error, _)| error).unwrap();
    producer.flush(limit).unwrap();
    match ending {
        Ending::Commit => producer.commit_transaction(limit).unwrap(),
        _ => producer.abort_transaction(limit).unwrap(),
    }
}

/// Brokers that die can lose the end of a transaction that they have called committed.
fn a_version_whose_commit_was_lost_is_published_again() {
    let brokers = brokers();
    let topic = unique("models");
    create(brokers, &topic, 1);
    publish_unheard(brokers, &topic, &version("run", 1), Ending::Abort);
    let mut sink = open(brokers, &topic);
    let there = |number| Published::of(&version("run", number));
    // readers do not repair anything.
    assert_eq!(sink.published(Some("{\"0\":1}")).unwrap(), []);
    sink.take_over().unwrap();
    assert_eq!(sink.published(Some("{\"0\":1}")).unwrap(), [there(1)]);
    let bookmark = publish(&mut *sink, 2).unwrap().unwrap();
    let mut next = open(brokers, &topic);
    next.take_over().unwrap();
    assert_eq!(next.published(Some(&bookmark)).unwrap(), []);
    assert_eq!(next.published(None).unwrap(), [there(1), there(2)]);
    assert_eq!(numbers(brokers, &topic), [1, 2]);
}

fn a_version_whose_acknowledgement_was_lost_is_not_sent_again() {
    let brokers = brokers();
    let topic = unique("models");
    let mut sink = open(brokers, &topic);
    publish(&mut *sink, 1).unwrap();
    publish_unheard(brokers, &topic, &version("run", 2), Ending::Commit);
    publish(&mut *sink, 2).unwrap();
    publish(&mut *sink, 3).unwrap();
    // a version that was lost without a trace is sent again.
    publish_unheard(brokers, &topic, &version("another", 4), Ending::Commit);
    publish(&mut *sink, 4).unwrap();
    assert_eq!(numbers(brokers, &topic), [1, 2, 3, 4, 4]);
    let mut other = version("run", 5);
    other.artifact.sha256 = "other".into();
    publish_unheard(brokers, &topic, &other, Ending::Commit);
    let refused = publish(&mut *sink, 5).unwrap_err().to_string();
    assert!(refused.contains("digest other") && refused.contains("digest-5"), "{refused}");
}
