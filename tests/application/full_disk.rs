//! A disk that is full for a while: the job waits, reports it, and continues.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::needs::MOUNTS;
use crate::program::{decided_of, pipeline, run_to_end};
use crate::small_job::long_job;

crate::suite::tests! {
    a_job_waits_for_free_space_and_loses_nothing needs MOUNTS,
    commands_on_a_full_disk_end_with_their_own_exit_code needs MOUNTS,
}

/// A job that publishes to a folder on `disk`.
fn job(disk: &str) -> String {
    let keys = "trigger.amount.every = 500\ntraining.epochs = 1";
    long_job("full", &format!("{keys}\nsink.directory.path = \"{disk}/published\""))
}

/// Runs the job on a separate disk of `$2` bytes, which grows when the job waits.
const SCRIPT: &str = r#"
cd "$1" || exit 90
mount -t tmpfs -o size="$2" none disk || exit 91
"$3" run p.toml --state disk/state --json > out 2> err &
job=$!
waited=0
while ! grep -qs "waits for free space" err; do
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
    let disk = folder.join("disk").display().to_string();
    on_a_disk(SCRIPT, &job(&disk), bytes, folder)
}

/// The exit code of a script that mounts a disk of this number of bytes on `disk`.
fn on_a_disk(script: &str, pipeline: &str, bytes: &str, folder: &Path) -> Option<i32> {
    fs::create_dir(folder.join("disk")).unwrap();
    fs::write(folder.join("p.toml"), pipeline).unwrap();
    // in a user namespace, mounting a disk needs no privileges.
    let ran = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", script, "sh"])
        .args([folder.as_os_str(), bytes.as_ref(), env!("CARGO_BIN_EXE_driftmill").as_ref()])
        .status();
    ran.unwrap().code()
}

fn a_job_waits_for_free_space_and_loses_nothing() {
    let here = tempfile::tempdir().unwrap();
    fs::set_permissions(here.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let published = here.path().display().to_string();
    let (wanted, _whole) = run_to_end(&pipeline(&job(&published)), 1, 1024);
    // printed like the other one: parsing and printing a number may change its last digit.
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

/// Starts a job on a disk without free space; then erases a sample of a complete run on such a disk.
const COMMANDS: &str = r#"
cd "$1" || exit 90
mount -t tmpfs -o size=8m none disk || exit 91
fill() { dd if=/dev/zero of=disk/fill bs=4k 2> /dev/null; }
fill
"$3" run p.toml --state disk/state > out 2> started
echo $? > codes
rm disk/fill
"$3" run p.toml --state disk/state > out 2> err || exit 92
fill
"$3" gc disk/state --erase --sample sea/0/10 > out 2> removed
echo $? >> codes
rm disk/fill
"$3" gc disk/state --erase --sample sea/0/10 > out 2> err || exit 93
"$3" verify disk/state > verified 2>&1 || exit 95
"#;

fn commands_on_a_full_disk_end_with_their_own_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = job(&folder.path().display().to_string());
    let code = on_a_disk(COMMANDS, &pipeline, "8m", folder.path());
    let read = |file| fs::read_to_string(folder.path().join(file)).unwrap_or_default();
    assert_eq!(code, Some(0), "{}{}", read("err"), read("verified"));
    assert_eq!(read("codes"), "74\n74\n", "{}{}", read("started"), read("removed"));
    for said in [read("started"), read("removed")] {
        assert!(said.starts_with("error: "), "{said}");
    }
}
