//! Law 4: memory is bounded by indexes and windows and never depends on payloads.

use std::io::Write;
use std::path::Path;

use crate::program::Program;

crate::suite::tests! {
    a_backfill_does_not_hold_its_payload_in_memory,
}

/// Number of values in a sample: 256 bytes of payload in the log.
const WIDTH: usize = 64;

/// One new sample, then `late` old ones.
fn write_backfill(path: &Path, late: u64) {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    let names: Vec<String> = (0..WIDTH).map(|i| format!("x{i}")).collect();
    let row = vec!["1"; WIDTH].join(",");
    writeln!(file, "t,c,{}\n1000000000,1,{row}", names.join(",")).unwrap();
    for i in 0..late {
        writeln!(file, "{},{},{row}", i * 7 % 999_999, i % 2).unwrap();
    }
    file.flush().unwrap();
}

/// The maximum of the private memory, in bytes, of a job over a backfill. Mapped pages of the log belong to
/// the system, which can reclaim them at any time.
fn most_memory(late: u64) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("backfill.csv");
    write_backfill(&path, late);
    let features: Vec<String> = (0..WIDTH).map(|i| format!("\"x{i}\"")).collect();
    let mut job = Program::start(&format!(
        "name = \"backfill\"
        order = {{ max_buffered = 10000, max_ahead = \"3650d\" }}
        source.file = {{ path = {path:?}, features = [{}], label = \"c\", time = \"t\" }}
        trigger.amount.every = 100000
        selection.new_data.limit = 100
        model.mlp.hidden = [2]
        training = {{}}",
        features.join(",")
    ));
    let most = job.most_memory();
    let ran = job.end();
    ran.assert_done();
    assert_eq!((&ran.summary["samples"], &ran.summary["late"]), (&(late + 1).into(), &late.into()));
    most
}

fn a_backfill_does_not_hold_its_payload_in_memory() {
    let (few, many) = (100_000, 1_000_000);
    let [small, large] = [few, many].map(most_memory);
    let grown = large.saturating_sub(small);
    // half of the size of an index, which a topic without keys does not need. The payloads are eight times
    // as large.
    assert!(grown < 32 * (many - few), "{small} bytes for {few} late samples, {large} for {many}");
}
