//! A real Apache Kafka broker for the tests: one for each test run, on free ports, with its own data
//! directory. Tests that kill a broker start another one.
//!
//! `DRIFTMILL_TEST_BROKERS` names a running one instead. The jars are downloaded once from Maven Central
//! and kept in `~/.cache/driftmill-test-broker`.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::{env, fs};

use crate::certificates;
use crate::server::{Jars, Server, free_port};
use crate::wait::{LIMIT, wait_for};

/// User of the SASL listener, with PLAIN and SCRAM-SHA-256.
pub(crate) const USER: &str = "alice";
pub(crate) const PASSWORD: &str = "wonder-land";

/// Two bindings of slf4j conflict.
const JARS: Jars =
    Jars { folder: "driftmill-test-broker/4.3.0", pom: "broker.pom.xml", unwanted: "log4j-slf4j" };

/// The broker that `DRIFTMILL_TEST_BROKERS` names.
pub(crate) fn named() -> Option<&'static str> {
    static NAMED: OnceLock<Option<String>> = OnceLock::new();
    NAMED.get_or_init(|| env::var("DRIFTMILL_TEST_BROKERS").ok()).as_deref()
}

/// The reason why no broker can be started here.
pub(crate) fn unable() -> Option<String> {
    JARS.unable()
}

/// The address of the brokers.
pub(crate) fn brokers() -> &'static str {
    named().unwrap_or_else(|| &shared().address)
}

/// The broker that tests share if they need one of their own.
pub(crate) fn shared() -> &'static Broker {
    static BROKER: OnceLock<Broker> = OnceLock::new();
    BROKER.get_or_init(own)
}

/// A broker for one test alone.
pub(crate) fn own() -> Broker {
    Broker::start(false)
}

/// A broker for one test alone that can be reached with TLS.
pub(crate) fn secured() -> Broker {
    Broker::start(true)
}

/// A broker that ends, and whose data is removed, when this value is dropped or the process ends.
pub(crate) struct Broker {
    /// Address of the listener without authentication.
    pub(crate) address: String,
    /// Address of the listener for [`USER`].
    pub(crate) sasl: String,
    /// Address of the TLS listener for [`USER`], and the certificate that identifies the broker.
    pub(crate) tls: Option<(String, PathBuf)>,
    server: Server,
}

impl Broker {
    fn start(tls: bool) -> Self {
        let folder = tempfile::tempdir().unwrap().keep();
        let [port, sasl, controller] = [free_port(), free_port(), free_port()];
        let properties = folder.join("server.properties");
        let tls = tls.then(|| (free_port(), certificates::found(&folder)));
        let listener = tls.as_ref().map(|(port, _)| *port);
        fs::write(&properties, configuration(&folder, [port, sasl, controller], listener)).unwrap();
        let user = format!("SCRAM-SHA-256=[name={USER},password={PASSWORD}]");
        let formatted = JARS
            .java("kafka.tools.StorageTool")
            .args(["format", "-t", "MkU3OEVBNTcwNTJENDM2Qg", "-S", &user, "-c"])
            .arg(&properties)
            .output();
        let formatted = formatted.unwrap();
        assert!(formatted.status.success(), "{}", String::from_utf8_lossy(&formatted.stderr));
        let mut broker = JARS.java("kafka.Kafka");
        broker.arg(&properties);
        let server = Server::start(&broker, &folder);
        let address = |port: u16| format!("127.0.0.1:{port}");
        let tls = tls.map(|(port, trusted)| (address(port), trusted));
        let broker = Self { address: address(port), sasl: address(sasl), tls, server };
        broker.wait_until(true);
        broker
    }

    /// Kills the broker, like a power cut.
    pub(crate) fn kill(&mut self) {
        self.server.send("kill");
        self.wait_until(false);
    }

    /// Starts the killed broker again, on its old data.
    pub(crate) fn start_again(&mut self) {
        self.server.send("start");
        self.wait_until(true);
    }

    /// Suspends the broker. Its connections stay open.
    pub(crate) fn pause(&mut self) {
        self.server.send("pause");
    }

    /// Resumes the paused broker.
    pub(crate) fn resume(&mut self) {
        self.server.send("resume");
    }

    fn wait_until(&self, up: bool) {
        let at = [&self.address, &self.sasl];
        let what = format!("a broker at {} to be {}", at[0], if up { "there" } else { "away" });
        wait_for(&what, LIMIT, || at.iter().all(|at| TcpStream::connect(at).is_ok() == up));
    }
}

fn configuration(folder: &Path, [port, sasl, controller]: [u16; 3], tls: Option<u16>) -> String {
    let (listener, keys) = tls.map(|port| tls_listener(folder, port)).unwrap_or_default();
    let modules = "org.apache.kafka.common.security";
    format!(
        "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},SASL://127.0.0.1:{sasl},CONTROLLER://127.0.0.1:{controller}{listener}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},SASL://127.0.0.1:{sasl}{listener}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SASL_SSL,CONTROLLER:PLAINTEXT
{keys}listener.name.sasl.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256
listener.name.sasl.plain.sasl.jaas.config={modules}.plain.PlainLoginModule required user_{USER}=\"{PASSWORD}\";
listener.name.sasl.scram-sha-256.sasl.jaas.config={modules}.scram.ScramLoginModule required;
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=true
super.users=User:ANONYMOUS
log.dirs={}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
transaction.abort.timed.out.transaction.cleanup.interval.ms=500
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=3000
log.cleaner.dedupe.buffer.size=16777216
",
        folder.join("data").display()
    )
}

/// A listener with TLS, and its settings.
fn tls_listener(folder: &Path, port: u16) -> (String, String) {
    let (store, password) = (folder.join("keys.p12"), certificates::STORE_PASSWORD);
    let module = "org.apache.kafka.common.security.scram.ScramLoginModule";
    let keys = format!(
        "listener.name.tls.sasl.enabled.mechanisms=SCRAM-SHA-256
listener.name.tls.scram-sha-256.sasl.jaas.config={module} required;
listener.name.tls.ssl.keystore.type=PKCS12
listener.name.tls.ssl.keystore.location={}
listener.name.tls.ssl.keystore.password={password}
listener.name.tls.ssl.key.password={password}
",
        store.display()
    );
    (format!(",TLS://127.0.0.1:{port}"), keys)
}
