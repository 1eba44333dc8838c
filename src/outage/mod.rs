//! Waits of a job for something outside its control: brokers that do not answer, and full disks. It waits
//! without a time limit, reports it, and stops waiting when the job is asked to end.

mod cancellation;
mod disk_space;

pub use cancellation::CancellationToken;
pub use disk_space::is_full;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde::Serialize;

/// Outages of all parts of a job; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Outages(Arc<Mutex<BTreeMap<String, Known>>>);

/// The outage of one part.
#[derive(Debug, Default)]
struct Known {
    since: Option<Instant>,
    times: u64,
    before: Duration,
    reason: String,
}

/// The number and the duration of a part's waits.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outage {
    /// The part: `source`, `sink.kafka`, `disk`.
    pub part: String,
    /// Number of waits.
    pub times: u64,
    /// Their total duration.
    pub seconds: f64,
    /// The last reason.
    pub reason: String,
    /// Whether it is waiting now.
    pub now: bool,
}

impl Outages {
    /// Records that a part has to wait. Returns whether this is new.
    pub fn begin(&self, part: &str, reason: &str) -> bool {
        let mut all = self.0.lock();
        let known = all.entry(part.to_owned()).or_default();
        reason.clone_into(&mut known.reason);
        let new = known.since.is_none();
        known.since.get_or_insert_with(Instant::now);
        known.times += u64::from(new);
        new
    }

    /// Records that a part continues. Returns the duration of its wait, if it had to wait.
    pub fn end(&self, part: &str) -> Option<Duration> {
        let mut all = self.0.lock();
        let known = all.get_mut(part)?;
        let waited = known.since.take()?.elapsed();
        known.before += waited;
        Some(waited)
    }

    /// All outages so far.
    pub fn list(&self) -> Vec<Outage> {
        let outage = |(part, known): (&String, &Known)| Outage {
            part: part.clone(),
            times: known.times,
            seconds: (known.before + known.duration()).as_secs_f64(),
            reason: known.reason.clone(),
            now: known.since.is_some(),
        };
        self.0.lock().iter().map(outage).collect()
    }

    /// The current outages as text: part, reason, duration.
    pub fn now(&self) -> Vec<String> {
        let all = self.0.lock();
        let open = all.iter().filter(|(_, known)| known.since.is_some());
        open.map(|(part, known)| {
            format!("{part}: {} ({} s)", known.reason, known.duration().as_secs())
        })
        .collect()
    }
}

impl Known {
    fn duration(&self) -> Duration {
        self.since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_counted_once_and_timed_to_its_end() {
        let outages = Outages::default();
        assert!(outages.begin("source", "no answer"));
        assert!(!outages.begin("source", "refused"));
        assert_eq!(outages.now(), ["source: refused (0 s)"]);
        let waited = outages.end("source").unwrap();
        assert_eq!(outages.end("source"), None);
        assert!(outages.now().is_empty());
        assert!(outages.begin("source", "no answer"));
        let [outage] = &outages.list()[..] else { panic!("one part") };
        assert_eq!((outage.times, outage.now), (2, true));
        assert!(outage.seconds >= waited.as_secs_f64());
    }
}
