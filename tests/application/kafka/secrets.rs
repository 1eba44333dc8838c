//! Brokers with TLS and a login: the password appears nowhere else.

use std::path::Path;
use std::process::Command;

use crate::broker::{PASSWORD, USER, secured};
use crate::needs::OWN_KAFKA;
use crate::program::{Program, Ran};
use crate::small_job::small_job;
use crate::topics::{consume, unique};
use crate::wait::OutputInTime;

crate::suite::tests! {
    a_job_uses_tls_and_never_writes_its_password needs OWN_KAFKA,
    connection_errors_do_not_contain_the_password needs OWN_KAFKA,
}

/// A job from one topic to another, with this password.
fn job(brokers: &str, trusted: &Path, topic: &str, models: &str, password: &str) -> String {
    let tables = format!(
        "[source.kafka.properties]
        \"security.protocol\" = \"SASL_SSL\"
        \"ssl.ca.location\" = {trusted:?}
        \"sasl.mechanisms\" = \"SCRAM-SHA-256\"
        \"sasl.username\" = \"{USER}\"
        \"sasl.password\" = {password}
        \"debug\" = \"security,broker,eos\"
        [codec.json]
        features = [\"x0\"]
        label = \"class\""
    );
    super::security::job(brokers, topic, models, &tables)
}

/// Fills a topic with the `generate` command.
fn generate(brokers: &str, trusted: &Path, topic: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("g.toml");
    let pipeline = "name = \"g\"
        source.generator.stream.sea = { length = 100 }
        trigger.amount.every = 50";
    std::fs::write(&file, small_job(pipeline)).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_driftmill"))
        .args([Path::new("generate"), &file])
        .args(["--brokers", brokers, "--topic", topic])
        .args(["--property", "security.protocol=SASL_SSL"])
        .args(["--property", &format!("ssl.ca.location={}", trusted.display())])
        .args(["--property", "sasl.mechanisms=SCRAM-SHA-256"])
        .args(["--property", &format!("sasl.username={USER}")])
        .args(["--property", "sasl.password={ env = \"DRIFTMILL_TEST_SECRET\" }"])
        .env("DRIFTMILL_TEST_SECRET", PASSWORD)
        .output_in_time();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Files below `folder` that contain `text`.
fn holders(folder: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            found.extend(holders(&entry, text));
        } else {
            let bytes = std::fs::read(&entry).unwrap();
            if bytes.windows(text.len()).any(|part| part == text.as_bytes()) {
                found.push(entry.display().to_string());
            }
        }
    }
    found
}

fn assert_secret(ran: &Ran) {
    assert!(!ran.said.contains(PASSWORD), "stderr tells the password");
    assert!(!ran.out.contains(PASSWORD), "stdout tells the password");
    assert_eq!(holders(&ran.folder.path().join("state"), PASSWORD), [""; 0]);
}

fn a_job_uses_tls_and_never_writes_its_password() {
    let broker = secured();
    let (brokers, trusted) = broker.tls.clone().unwrap();
    let topic = unique("secret");
    generate(&brokers, &trusted, &topic);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, format!("{PASSWORD}\n")).unwrap();
    let passwords = [
        format!("{PASSWORD:?}"),
        format!("{{ file = {file:?} }}"),
        "{ env = \"DRIFTMILL_TEST_SECRET\" }".to_owned(),
    ];
    for password in passwords {
        let models = unique("models");
        let text = job(&brokers, &trusted, &topic, &models, &password);
        let environment = [("DRIFTMILL_TEST_SECRET", PASSWORD), ("DRIFTMILL_LOG", "trace")];
        let ran = Program::start_in(&text, &[], &environment).end();
        ran.assert_done();
        assert_eq!(ran.summary["samples"], 100, "{}", ran.summary);
        assert!(ran.said.contains("librdkafka"), "its lines were to be logged");
        assert_secret(&ran);
        let events = consume(&broker.address, &models, 2);
        assert!(events.iter().all(|event| !event.value.to_string().contains(PASSWORD)));
    }
}

fn connection_errors_do_not_contain_the_password() {
    let broker = secured();
    let (brokers, trusted) = broker.tls.clone().unwrap();
    let refused = |password: &str, code: i32, wanted: &str| {
        let text = job(&brokers, &trusted, "any", "any", password);
        let environment = [("DRIFTMILL_TEST_SECRET", PASSWORD), ("DRIFTMILL_LOG", "trace")];
        let ran = Program::start_in(&text, &[], &environment).end();
        assert_eq!(ran.code, Some(code), "{}", ran.said);
        assert!(ran.said.contains(wanted), "{}", ran.said);
        assert!(!ran.said.contains(PASSWORD) && !ran.out.contains(PASSWORD));
    };
    refused("\"looking-glass\"", 69, "refused the login");
    let missing = "`sasl.password`: the environment has no variable `DRIFTMILL_NO_SUCH`";
    refused("{ env = \"DRIFTMILL_NO_SUCH\" }", 78, missing);
    refused("{ file = \"/no/such/file\" }", 78, "`sasl.password`: reading `/no/such/file`");
    refused("{ key = \"x\" }", 78, "unknown variant `key`, expected `env` or `file`");
}
