//! Java servers for the tests: their jars, and processes that end with the tests.

use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::{env, fs};

/// The jars of a server, in a folder of the user's cache.
pub(crate) struct Jars {
    /// Folder below `~/.cache`.
    pub(crate) folder: &'static str,
    /// The project file that names them, in `tests/support`.
    pub(crate) pom: &'static str,
    /// Prefix of jars that are removed; empty if all are needed.
    pub(crate) unwanted: &'static str,
}

impl Jars {
    /// The reason why a server with these jars cannot be started here.
    pub(crate) fn unable(&self) -> Option<String> {
        let runs = |tool: &&str| Command::new(tool).arg("-version").output().is_ok();
        match ["java", "mvn"].iter().find(|tool| !runs(tool)) {
            Some(tool) => Some(format!("`{tool}` is not installed")),
            None => self.fetch().err(),
        }
    }

    /// The folder with all jars, which Maven fetches once.
    pub(crate) fn fetch(&self) -> Result<PathBuf, String> {
        let home = env::var("HOME").map_err(|_| "HOME is not set".to_owned())?;
        let jars = Path::new(&home).join(".cache").join(self.folder);
        let complete = jars.join(".complete");
        if complete.exists() {
            return Ok(jars);
        }
        fs::create_dir_all(&jars).map_err(|error| error.to_string())?;
        let pom = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support").join(self.pom);
        let mvn = Command::new("mvn")
            .args(["-q", "-B", "-f"])
            .arg(pom)
            .arg("dependency:copy-dependencies")
            .arg(format!("-DoutputDirectory={}", jars.display()))
            .arg("-DincludeScope=runtime")
            .output()
            .map_err(|error| error.to_string())?;
        if !mvn.status.success() {
            let said = String::from_utf8_lossy(&mvn.stdout).into_owned();
            return Err(format!("Maven could not fetch the jars of `{}`: {said}", self.pom));
        }
        for entry in fs::read_dir(&jars).unwrap().map(|entry| entry.unwrap().path()) {
            let name = entry.file_name().unwrap().to_string_lossy().into_owned();
            if !self.unwanted.is_empty() && name.starts_with(self.unwanted) {
                fs::remove_file(entry).unwrap();
            }
        }
        fs::File::create(complete).and_then(|mut file| file.write_all(b"")).unwrap();
        Ok(jars)
    }

    /// A command that runs `class`.
    pub(crate) fn java(&self, class: &str) -> Command {
        let jars = self.fetch().unwrap();
        let mut java = Command::new("java");
        java.arg("-Xmx512m").arg("-XX:+UseSerialGC").arg("-XX:TieredStopAtLevel=1");
        java.arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn");
        java.arg("-cp").arg(format!("{}/*", jars.display())).arg(class);
        java
    }
}

/// A server that ends, and whose folder is removed, when this value is dropped or the process ends.
pub(crate) struct Server {
    shell: Child,
}

impl Server {
    /// Runs `command` below a shell that kills and starts it on request. The shell ends the server and
    /// removes `folder` when our end of a pipe closes: when the tests have passed, failed, or were killed.
    pub(crate) fn start(command: &Command, folder: &Path) -> Self {
        let log = fs::File::create(folder.join("server.log")).unwrap();
        let quoted = |text: &std::ffi::OsStr| format!("'{}'", text.to_string_lossy());
        let line: Vec<String> =
            std::iter::once(command.get_program()).chain(command.get_args()).map(quoted).collect();
        let script = format!(
            "start() {{ {} <&- & server=$!; }}
            start
            while read -r command; do
                case $command in
                    kill) kill -9 $server; wait $server; server= ;;
                    start) start ;;
                    pause) kill -STOP $server ;;
                    resume) kill -CONT $server ;;
                esac
            done
            if [ -n \"$server\" ]; then kill $server; kill -CONT $server; wait $server; fi
            rm -rf {}",
            line.join(" "),
            quoted(folder.as_os_str())
        );
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(script).stdin(Stdio::piped());
        shell.stdout(log.try_clone().unwrap()).stderr(log);
        Self { shell: shell.spawn().unwrap() }
    }

    /// Sends `kill`, `start`, `pause` or `resume`.
    pub(crate) fn send(&mut self, command: &str) {
        writeln!(self.shell.stdin.as_mut().unwrap(), "{command}").unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        self.shell.wait().unwrap();
    }
}

/// A port that is free now.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
