//! What a job waits for that is not in its own hands: brokers that do not answer, disks that are
//! full. It waits for as long as it takes, tells of it, and gives up when it is asked to end.

mod cancellation;
mod disk_space;

pub use cancellation::CancellationToken;
pub use disk_space::is_full;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

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

/// How often and for how long a part of a job had to wait.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outage {
    /// Which part: `source`, `sink.kafka`, `disk`.
    pub part: String,
    /// How often.
    pub times: u64,
    /// For how long altogether.
    pub seconds: f64,
    /// The last reason.
    pub reason: String,
    /// Whether it waits now.
    pub now: bool,
}

impl Outages {
    /// A part has to wait, or still has to; whether that is new.
    pub fn begin(&self, part: &str, reason: &str) -> bool {
        let mut all = self.all();
        let known = all.entry(part.to_owned()).or_default();
        reason.clone_into(&mut known.reason);
        let new = known.since.is_none();
        known.since.get_or_insert_with(Instant::now);
        known.times += u64::from(new);
        new
    }

    /// A part continues; returns how long it had to wait, if it had to.
    pub fn end(&self, part: &str) -> Option<Duration> {
        let mut all = self.all();
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
            seconds: (known.before + known.lasts()).as_secs_f64(),
            reason: known.reason.clone(),
            now: known.since.is_some(),
        };
        self.all().iter().map(outage).collect()
    }

    /// The outages of this moment as text: part, reason, duration.
    pub fn now(&self) -> Vec<String> {
        let all = self.all();
        let open = all.iter().filter(|(_, known)| known.since.is_some());
        open.map(|(part, known)| {
            format!("{part}: {} ({} s)", known.reason, known.lasts().as_secs())
        })
        .collect()
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn lasts(&self) -> Duration {
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
