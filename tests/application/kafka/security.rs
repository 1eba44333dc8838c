//! Logging in, and other properties of librdkafka.

use std::time::{Duration, Instant};

use crate::broker::{PASSWORD, USER, shared};
use crate::needs::OWN_KAFKA;
use crate::program::run_program;
use crate::small_job::small_job;
use crate::topics::{consume, new_topic, produce, unique};

crate::suite::tests! {
    a_job_logs_in_and_never_shows_the_password needs OWN_KAFKA,
    a_wrong_password_ends_at_once needs OWN_KAFKA,
}

/// A job over `topic` that publishes to `models`, with these tables.
pub(super) fn job(brokers: &str, topic: &str, models: &str, tables: &str) -> String {
    small_job(&format!(
        "name = \"secure\"
        trigger.amount.every = 50
        sink.kafka.topic = \"{models}\"
        [source.kafka]
        brokers = \"{brokers}\"
        topics = [\"{topic}\"]
        until = \"end\"
        {tables}"
    ))
}

pub(super) fn login(mechanism: &str, password: &str) -> String {
    format!(
        "[source.kafka.properties]
        \"security.protocol\" = \"SASL_PLAINTEXT\"
        \"sasl.mechanisms\" = \"{mechanism}\"
        \"sasl.username\" = \"{USER}\"
        \"sasl.password\" = \"{password}\""
    )
}

fn a_job_logs_in_and_never_shows_the_password() {
    let broker = shared();
    let topic = new_topic(&broker.address, "secure", 1);
    let rows = (0..50).map(|i| (0, 1_000 + i, &b"{\"a\":1,\"c\":1}"[..]));
    produce(&broker.address, &topic, rows);
    for mechanism in ["PLAIN", "SCRAM-SHA-256"] {
        let models = unique("models");
        let login = login(mechanism, PASSWORD);
        let ran = run_program(&job(&broker.sasl, &topic, &models, &login));
        ran.assert_done();
        assert_eq!(ran.summary["samples"], 50, "{}", ran.summary);
        // the sink uses the login properties of the source.
        assert_eq!(consume(&broker.address, &models, 1).len(), 1);
        let catalog = std::fs::read(ran.folder.path().join("state/catalog.sqlite")).unwrap();
        let holds = |text: &str| catalog.windows(text.len()).any(|part| part == text.as_bytes());
        assert!(holds(USER) && !holds(PASSWORD), "the catalog has the password");
    }
}

fn a_wrong_password_ends_at_once() {
    let broker = shared();
    for mechanism in ["PLAIN", "SCRAM-SHA-256"] {
        let begun = Instant::now();
        let login = login(mechanism, "looking-glass");
        let ran = run_program(&job(&broker.sasl, "any", "any", &login));
        assert_eq!(ran.code, Some(69), "{}", ran.said);
        assert!(ran.said.contains("refused the login"), "{}", ran.said);
        assert!(ran.said.to_lowercase().contains("authentication failed"), "{}", ran.said);
        assert!(!ran.said.contains("looking-glass"), "{}", ran.said);
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    }
}
