//! The requirements of the application's tests.

use std::process::{Command, Output};

use crate::suite::Need;
use crate::{broker, data};

/// A broker: a running one, or one that the tests start.
pub(crate) const KAFKA: Need = Need {
    name: "a Kafka broker",
    install: JAVA,
    missing: || if broker::named().is_some() { None } else { broker::unable() },
};

/// A broker that the tests start themselves, to kill it or to log in to it.
pub(crate) const OWN_KAFKA: Need =
    Need { name: "a Kafka broker of its own", install: JAVA, missing: broker::unable };

const JAVA: &str = "apt install openjdk-17-jre-headless maven";

/// An S3 server that the tests start.
#[cfg(feature = "s3")]
pub(crate) const S3: Need =
    Need { name: "an S3 server", install: JAVA, missing: crate::object_store::unable };

/// The electricity market of New South Wales.
pub(crate) const ELECTRICITY: Need = Need {
    name: "the electricity data",
    install: "put electricity.csv (OpenML 151, normalised) into the folder $DRIFTMILL_TEST_DATA",
    missing: || data::absent("electricity.csv"),
};

/// The right to mount a file system.
pub(crate) const MOUNTS: Need = Need {
    name: "the right to mount a disk",
    install: "sysctl -w kernel.unprivileged_userns_clone=1 (or run the tests as root)",
    missing: || {
        let mount = "mount -t tmpfs -o size=64k none /mnt";
        let mut tried = Command::new("unshare");
        tried.args(["--map-root-user", "--mount", "sh", "-c", mount]);
        let failed = |output: Output| {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            (!output.status.success()).then_some(said)
        };
        tried.output().map_or_else(|error| Some(format!("`unshare`: {error}")), failed)
    },
};
