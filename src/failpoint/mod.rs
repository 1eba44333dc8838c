//! Places where a test ends the process, as a power cut would: before and after each durable step.
//!
//! `DRIFTMILL_ABORT=outcome.committed:3` ends it when it comes by that place for the third time.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// All places, for tests to choose from.
pub const POINTS: [&str; 12] = [
    "log.written",
    "log.indexed",
    "log.synced",
    "catalog.open",
    "catalog.committed",
    "model.staged",
    "model.stored",
    "version.sent",
    "retention.recorded",
    "retention.removed",
    "erase.written",
    "erase.recorded",
];

static ASKED: OnceLock<Option<(String, u64)>> = OnceLock::new();
static PASSED: AtomicU64 = AtomicU64::new(0);

/// Comes by `place`.
pub fn point(place: &str) {
    let asked = ASKED.get_or_init(|| {
        let asked = std::env::var("DRIFTMILL_ABORT").ok()?;
        let (place, count) = asked.split_once(':')?;
        Some((place.to_owned(), count.parse().ok()?))
    });
    if let Some((wanted, count)) = asked
        && wanted == place
        && PASSED.fetch_add(1, Ordering::Relaxed) + 1 == *count
    {
        std::process::abort();
    }
}
