//! A real Apache Kafka broker for the tests: one for each run of them, on a free port, with its own
//! data directory.
//!
//! `DRIFTMILL_TEST_BROKERS` names a running one instead. The jars come once from Maven Central and
//! are kept in `~/.cache/driftmill-test-broker`.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use std::{env, fs};

/// The brokers' address; none if there is no Java or Maven to start one with, which
/// `DRIFTMILL_TEST_BROKERS=required` makes a failure.
pub(crate) fn brokers() -> Option<&'static str> {
    static BROKERS: OnceLock<Option<String>> = OnceLock::new();
    BROKERS
        .get_or_init(|| match env::var("DRIFTMILL_TEST_BROKERS") {
            Ok(running) if running != "required" => Some(running),
            wanted => match start() {
                Ok(address) => Some(address),
                Err(missing) if wanted.is_err() => {
                    // stdout and stderr of a test that passes are not shown: write past them.
                    let notice = format!("\nNOT TESTED AGAINST KAFKA: {missing}\n");
                    fs::write("/dev/stderr", notice).unwrap();
                    None
                }
                Err(missing) => panic!("a Kafka broker is required: {missing}"),
            },
        })
        .as_deref()
}

fn start() -> Result<String, String> {
    for tool in ["java", "mvn"] {
        let found = Command::new(tool).arg("-version").output();
        found
            .map_err(|_| format!("`{tool}` is not installed (Java 17 and Maven start a broker)"))?;
    }
    let jars = jars()?;
    let folder = tempfile::tempdir().unwrap().keep();
    let (port, controller) = (free_port(), free_port());
    let properties = folder.join("server.properties");
    fs::write(&properties, configuration(&folder, port, controller)).unwrap();
    let java = |class: &str| {
        let mut java = Command::new("java");
        java.arg("-Xmx512m").arg("-XX:+UseSerialGC").arg("-XX:TieredStopAtLevel=1");
        java.arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn");
        java.arg("-cp").arg(format!("{}/*", jars.display())).arg(class);
        java
    };
    let cluster = "MkU3OEVBNTcwNTJENDM2Qg";
    let formatted = java("kafka.tools.StorageTool")
        .args(["format", "-t", cluster, "-c"])
        .arg(&properties)
        .output();
    let formatted = formatted.unwrap();
    assert!(formatted.status.success(), "{}", String::from_utf8_lossy(&formatted.stderr));

    let log = fs::File::create(folder.join("broker.log")).unwrap();
    let mut broker = java("kafka.Kafka");
    broker.arg(&properties);
    supervise(&broker, &folder, log);
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        let log = folder.join("broker.log");
        assert!(begun.elapsed() < Duration::from_secs(60), "no broker: see {}", log.display());
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(format!("127.0.0.1:{port}"))
}

/// Runs the broker below a shell that ends it, and removes its data, when our end of a pipe closes:
/// when the tests have passed, failed, or were killed.
fn supervise(broker: &Command, folder: &Path, log: fs::File) {
    let quoted = |text: &std::ffi::OsStr| format!("'{}'", text.to_string_lossy());
    let line: Vec<String> =
        std::iter::once(broker.get_program()).chain(broker.get_args()).map(quoted).collect();
    let folder = quoted(folder.as_os_str());
    let script = format!(
        "{} <&- & broker=$!; cat >/dev/null; kill $broker; wait $broker; rm -rf {folder}",
        line.join(" ")
    );
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(script).stdin(Stdio::piped());
    shell.stdout(log.try_clone().unwrap()).stderr(log);
    let child = shell.spawn().unwrap();
    // dropping the handle would close the pipe.
    std::mem::forget(child);
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
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/application/kafka/pom.xml"))
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

fn configuration(folder: &Path, port: u16, controller: u16) -> String {
    format!(
        "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=3000
log.cleaner.dedupe.buffer.size=16777216
",
        folder.join("data").display()
    )
}
