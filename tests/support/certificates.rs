//! A certificate authority and a broker's key signed by it, created with the JDK's `keytool`.

use crate::wait::OutputInTime;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Password of the broker's key store.
pub(crate) const STORE_PASSWORD: &str = "looking-glass-key";

/// Creates the broker's key store `keys.p12` in `folder`. Returns the certificate of the authority, which
/// clients trust.
pub(crate) fn found(folder: &Path) -> PathBuf {
    let keytool = |arguments: &str| {
        let made = Command::new("keytool")
            .args("-keystore keys.p12 -storetype PKCS12 -J-XX:TieredStopAtLevel=1".split(' '))
            .args(["-storepass", STORE_PASSWORD])
            .args(arguments.split(' '))
            .current_dir(folder)
            .output_in_time();
        assert!(made.status.success(), "{arguments}: {}", String::from_utf8_lossy(&made.stdout));
    };
    let days = "-validity 3650";
    keytool(&format!(
        "-genkeypair -alias authority -keyalg EC -dname CN=authority -ext bc:c {days}"
    ));
    keytool("-exportcert -alias authority -rfc -file authority.pem");
    keytool(&format!("-genkeypair -alias broker -keyalg EC -dname CN=broker {days}"));
    keytool("-certreq -alias broker -file broker.csr");
    keytool(&format!(
        "-gencert -alias authority -infile broker.csr -outfile broker.pem -rfc \
         -ext san=ip:127.0.0.1 {days}"
    ));
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    std::fs::write(folder.join("chain.pem"), read("authority.pem") + &read("broker.pem")).unwrap();
    keytool("-importcert -noprompt -alias broker -file chain.pem");
    // the broker would use the first key that it finds.
    keytool("-delete -alias authority");
    folder.join("authority.pem")
}
