//! A disk that is full for a while: the job waits, says so, and goes on.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::needs::MOUNTS;
use crate::program::{decided_of, pipeline, run_to_end};

crate::suite::tests! {
    a_full_disk_is_waited_for_and_nothing_is_lost needs MOUNTS,
}

const PIPELINE: &str = "
    name = \"full\"
    source.generator.stream.sea = { length = 20000, step_ms = 10 }
    trigger.amount.every = 500
    selection.new_data = { tail = \"all\", limit = 500, keep = \"uniform\" }
    model.mlp = { hidden = [4], classes = 2 }
    training.epochs = 1
    sink.directory.path = \"DISK/published\"";

/// Runs the job on a disk of its own of `$2` bytes, which grows when the job waits.
const SCRIPT: &str = r#"
cd "$1" || exit 90
mount -t tmpfs -o size="$2" none disk || exit 91
"$3" run p.toml --state disk/state --json > out 2> err &
job=$!
waited=0
while ! grep -qs "until there is room" err; do
    kill -0 $job 2> /dev/null || { wait $job; exit 92; }
    waited=$((waited + 1))
    [ $waited -lt 2400 ] || { kill -9 $job; exit 96; }
    sleep 0.05
done
sleep 0.7
mount -o remount,size=64m disk || exit 93
wait $job || exit 94
"$3" verify disk/state > verified 2>&1 || exit 95
"#;

fn with_disk_of(bytes: &str, folder: &Path) -> Option<i32> {
    fs::create_dir(folder.join("disk")).unwrap();
    let disk = folder.join("disk").display().to_string();
    fs::write(folder.join("p.toml"), PIPELINE.replace("DISK", &disk)).unwrap();
    // in a user namespace a disk can be mounted without rights.
    let ran = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", SCRIPT, "sh"])
        .args([folder.as_os_str(), bytes.as_ref(), env!("CARGO_BIN_EXE_driftmill").as_ref()])
        .status();
    ran.unwrap().code()
}

fn a_full_disk_is_waited_for_and_nothing_is_lost() {
    let here = tempfile::tempdir().unwrap();
    fs::set_permissions(here.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let published = here.path().display().to_string();
    let (wanted, _whole) = run_to_end(&pipeline(&PIPELINE.replace("DISK", &published)), 1, 1024);
    // printed, as the other is: reading a number again may change its last digit.
    let wanted = serde_json::to_string(&wanted).unwrap();
    let wanted = decided_of(serde_json::from_str(&wanted).unwrap());
    for bytes in ["400k", "700k", "1m", "1300k"] {
        let folder = tempfile::tempdir().unwrap();
        let code = with_disk_of(bytes, folder.path());
        let read = |file| fs::read_to_string(folder.path().join(file)).unwrap_or_default();
        assert_eq!(code, Some(0), "{bytes}: {}\n{}", read("err"), read("verified"));
        let summary: serde_json::Value = serde_json::from_str(&read("out")).unwrap();
        let disk = &summary["outages"].as_array().unwrap()[0];
        assert_eq!((&disk["part"], &disk["now"]), (&"disk".into(), &false.into()), "{disk}");
        assert!(disk["seconds"].as_f64().unwrap() > 0.5, "{disk}");
        assert!(decided_of(summary) == wanted, "other results on a disk of {bytes}");
    }
}
