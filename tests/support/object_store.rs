//! A real S3 server over a folder for the tests (S3Proxy).

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::{fs, process};

use crate::server::{Jars, Server, free_port};
use crate::wait::{LIMIT, wait_for};

const JARS: Jars =
    Jars { folder: "driftmill-test-object-store/2.6.0", pom: "object_store.pom.xml", unwanted: "" };

/// The bucket that the server has.
pub(crate) const BUCKET: &str = "driftmill";

/// The reason why no server can be started here.
pub(crate) fn unable() -> Option<String> {
    JARS.unable()
}

/// An S3 server with one bucket.
pub(crate) struct ObjectStoreServer {
    folder: PathBuf,
    port: u16,
    server: Server,
}

impl ObjectStoreServer {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap().keep();
        fs::create_dir_all(folder.join("data").join(BUCKET)).unwrap();
        let port = free_port();
        let properties = folder.join("s3.properties");
        fs::write(
            &properties,
            format!(
                "s3proxy.endpoint=http://127.0.0.1:{port}
s3proxy.authorization=aws-v2-or-v4
s3proxy.identity=local
s3proxy.credential=secret
jclouds.provider=filesystem
jclouds.filesystem.basedir={}/data
",
                folder.display()
            ),
        )
        .unwrap();
        let mut java: process::Command = JARS.java("org.gaul.s3proxy.Main");
        java.arg("--properties").arg(&properties);
        let server = Server::start(&java, &folder);
        let started = Self { folder, port, server };
        started.wait_until(true);
        started
    }

    /// The variables by which clients find the server.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let of = |name, value: &str| (name, value.to_owned());
        vec![
            ("AWS_ENDPOINT", format!("http://127.0.0.1:{}", self.port)),
            of("AWS_ALLOW_HTTP", "true"),
            of("AWS_ACCESS_KEY_ID", "local"),
            of("AWS_SECRET_ACCESS_KEY", "secret"),
            of("AWS_REGION", "us-east-1"),
        ]
    }

    /// The files of all objects in a folder of the bucket.
    pub(crate) fn objects(&self, folder: &str) -> Vec<PathBuf> {
        fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() { walk(&path, found) } else { found.push(path) }
            }
        }
        let mut found = Vec::new();
        walk(&self.folder.join("data").join(BUCKET).join(folder), &mut found);
        found
    }

    /// Kills the server.
    pub(crate) fn kill(&mut self) {
        self.server.send("kill");
        self.wait_until(false);
    }

    /// Starts the killed server again, on its old data.
    pub(crate) fn start_again(&mut self) {
        self.server.send("start");
        self.wait_until(true);
    }

    fn wait_until(&self, up: bool) {
        let what =
            format!("an S3 server on port {} to be {}", self.port, if up { "up" } else { "down" });
        wait_for(&what, LIMIT, || TcpStream::connect(("127.0.0.1", self.port)).is_ok() == up);
    }
}
