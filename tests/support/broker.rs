//! A real Apache Kafka broker for the tests: one for each test run, on free ports, with its own data
//! directory. Tests that kill a broker start another one.
//!
//! `DRIFTMILL_TEST_BROKERS` names a running one instead. The jars are downloaded once from Maven Central
//! and kept in `~/.cache/driftmill-test-broker`.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::{env, fs};

use crate::certificates;
use crate::wait::{LIMIT, wait_for};

/// Who may use the listener with SASL, by PLAIN and by SCRAM-SHA-256.
pub(crate) const USER: &str = "alice";
pub(crate) const PASSWORD: &str = "wonder-land";

/// The broker that `DRIFTMILL_TEST_BROKERS` names.
pub(crate) fn named() -> Option<&'static str> {
    static NAMED: OnceLock<Option<String>> = OnceLock::new();
    NAMED.get_or_init(|| env::var("DRIFTMILL_TEST_BROKERS").ok()).as_deref()
}

/// Why no broker can be started here.
pub(crate) fn unable() -> Option<String> {
    let runs = |tool: &&str| Command::new(tool).arg("-version").output().is_ok();
    match ["java", "mvn"].iter().find(|tool| !runs(tool)) {
        Some(tool) => Some(format!("`{tool}` is not installed")),
        None => jars().err(),
    }
}

/// The brokers' address.
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

/// A broker that ends, with its data, when this value or the whole process does.
pub(crate) struct Broker {
    /// Where anyone may come.
    pub(crate) address: String,
    /// Where [`USER`] may come.
    pub(crate) sasl: String,
    /// Where [`USER`] may come by TLS, and the certificate by which the broker is known.
    pub(crate) tls: Option<(String, PathBuf)>,
    shell: Child,
}

impl Broker {
    fn start(tls: bool) -> Self {
        let jars = jars().unwrap();
        let folder = tempfile::tempdir().unwrap().keep();
        let [port, sasl, controller] = [free_port(), free_port(), free_port()];
        let properties = folder.join("server.properties");
        let tls = tls.then(|| (free_port(), certificates::found(&folder)));
        let listener = tls.as_ref().map(|(port, _)| *port);
        fs::write(&properties, configuration(&folder, [port, sasl, controller], listener)).unwrap();
        let java = |class: &str| {
            let mut java = Command::new("java");
            java.arg("-Xmx512m").arg("-XX:+UseSerialGC").arg("-XX:TieredStopAtLevel=1");
            java.arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn");
            java.arg("-cp").arg(format!("{}/*", jars.display())).arg(class);
            java
        };
        let user = format!("SCRAM-SHA-256=[name={USER},password={PASSWORD}]");
        let formatted = java("kafka.tools.StorageTool")
            .args(["format", "-t", "MkU3OEVBNTcwNTJENDM2Qg", "-S", &user, "-c"])
            .arg(&properties)
            .output();
        let formatted = formatted.unwrap();
        assert!(formatted.status.success(), "{}", String::from_utf8_lossy(&formatted.stderr));
        let mut broker = java("kafka.Kafka");
        broker.arg(&properties);
        let shell = supervise(&broker, &folder);
        let address = |port: u16| format!("127.0.0.1:{port}");
        let tls = tls.map(|(port, trusted)| (address(port), trusted));
        let broker = Self { address: address(port), sasl: address(sasl), tls, shell };
        broker.wait_until(true);
        broker
    }

    /// Ends the broker as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.tell("kill");
        self.wait_until(false);
    }

    /// Starts the broker that was killed, on its old data.
    pub(crate) fn start_again(&mut self) {
        self.tell("start");
        self.wait_until(true);
    }

    /// Stops the broker in its tracks, its connections open.
    pub(crate) fn pause(&mut self) {
        self.tell("pause");
    }

    /// Resumes the paused broker.
    pub(crate) fn resume(&mut self) {
        self.tell("resume");
    }

    fn tell(&mut self, command: &str) {
        writeln!(self.shell.stdin.as_mut().unwrap(), "{command}").unwrap();
    }

    fn wait_until(&self, up: bool) {
        let at = [&self.address, &self.sasl];
        let what = format!("a broker at {} to be {}", at[0], if up { "there" } else { "gone" });
        wait_for(&what, LIMIT, || at.iter().all(|at| TcpStream::connect(at).is_ok() == up));
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        self.shell.wait().unwrap();
    }
}

/// Runs the broker below a shell that kills and starts it on request, and that ends it and removes
/// its data when our end of a pipe closes: when the tests have passed, failed, or were killed.
fn supervise(broker: &Command, folder: &Path) -> Child {
    let log = fs::File::create(folder.join("broker.log")).unwrap();
    let quoted = |text: &std::ffi::OsStr| format!("'{}'", text.to_string_lossy());
    let line: Vec<String> =
        std::iter::once(broker.get_program()).chain(broker.get_args()).map(quoted).collect();
    let script = format!(
        "start() {{ {} <&- & broker=$!; }}
        start
        while read -r command; do
            case $command in
                kill) kill -9 $broker; wait $broker; broker= ;;
                start) start ;;
                pause) kill -STOP $broker ;;
                resume) kill -CONT $broker ;;
            esac
        done
        if [ -n \"$broker\" ]; then kill $broker; kill -CONT $broker; wait $broker; fi
        rm -rf {}",
        line.join(" "),
        quoted(folder.as_os_str())
    );
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(script).stdin(Stdio::piped());
    shell.stdout(log.try_clone().unwrap()).stderr(log);
    shell.spawn().unwrap()
}

fn jars() -> Result<PathBuf, String> {
    let home = env::var("HOME").map_err(|_| "HOME is not set".to_owned())?;
    let jars = Path::new(&home).join(".cache/driftmill-test-broker/4.3.0");
    let complete = jars.join(".complete");
    if complete.exists() {
        return Ok(jars);
    }
    fs::create_dir_all(&jars).map_err(|error| error.to_string())?;
    let mvn = Command::new("mvn")
        .args(["-q", "-B", "-f"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/broker.pom.xml"))
        .arg("dependency:copy-dependencies")
        .arg(format!("-DoutputDirectory={}", jars.display()))
        .arg("-DincludeScope=runtime")
        .output()
        .map_err(|error| error.to_string())?;
    if !mvn.status.success() {
        let said = String::from_utf8_lossy(&mvn.stdout).into_owned();
        return Err(format!("Maven could not fetch the broker: {said}"));
    }
    // two bindings of slf4j would fight.
    for entry in fs::read_dir(&jars).unwrap().map(|entry| entry.unwrap().path()) {
        let name = entry.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with("log4j-slf4j") {
            fs::remove_file(entry).unwrap();
        }
    }
    fs::File::create(complete).and_then(|mut file| file.write_all(b"")).unwrap();
    Ok(jars)
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
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
