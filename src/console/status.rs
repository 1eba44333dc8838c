//! Counters of the progress of a job.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::outage::Outages;

/// The progress of a job. Its parts write it, and the console reads it.
#[derive(Debug)]
pub struct Status {
    samples: AtomicU64,
    dead_letters: AtomicU64,
    late: AtomicU64,
    triggers: AtomicU64,
    observed: AtomicI64,
    bounded: AtomicBool,
    left: Mutex<BTreeMap<usize, Option<u64>>>,
    holders: Mutex<BTreeMap<usize, String>>,
    trainings: Mutex<BTreeMap<String, Training>>,
    outages: Outages,
}

/// A running training.
#[derive(Clone, Debug, PartialEq)]
pub struct Training {
    /// The trigger.
    pub trigger: u64,
    /// Number of completed steps, and of all steps.
    pub step: (u64, u64),
    /// Mean loss of the last complete epoch.
    pub loss: Option<f64>,
}

/// The counts of a process since its last report, and its outages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    samples: u64,
    dead_letters: u64,
    late: u64,
    left: BTreeMap<usize, Option<u64>>,
    holders: BTreeMap<usize, String>,
}

impl Status {
    /// Creates counters at 0. `outages` are shown with them.
    pub fn new(outages: Outages) -> Self {
        Self {
            samples: AtomicU64::new(0),
            dead_letters: AtomicU64::new(0),
            late: AtomicU64::new(0),
            triggers: AtomicU64::new(0),
            observed: AtomicI64::new(i64::MIN),
            bounded: AtomicBool::new(false),
            left: Mutex::default(),
            holders: Mutex::default(),
            trainings: Mutex::default(),
            outages,
        }
    }

    /// Counts messages of one poll.
    pub fn read(&self, samples: u64, dead_letters: u64, late: u64) {
        self.samples.fetch_add(samples, Ordering::Relaxed);
        self.dead_letters.fetch_add(dead_letters, Ordering::Relaxed);
        self.late.fetch_add(late, Ordering::Relaxed);
    }

    /// Returns the counts since the last call, which are added to the counts of process 0.
    pub fn take(&self) -> Tally {
        Tally {
            samples: self.samples.swap(0, Ordering::Relaxed),
            dead_letters: self.dead_letters.swap(0, Ordering::Relaxed),
            late: self.late.swap(0, Ordering::Relaxed),
            left: self.left.lock().clone(),
            holders: self.holders.lock().clone(),
        }
    }

    /// Adds the counts of another process.
    pub fn add(&self, tally: Tally) {
        self.read(tally.samples, tally.dead_letters, tally.late);
        let mut holders = self.holders.lock();
        tally.left.keys().for_each(|worker| drop(holders.remove(worker)));
        holders.extend(tally.holders);
        self.left.lock().extend(tally.left);
    }

    /// Records that everything up to `time` was decided, in milliseconds since 1970.
    pub fn observed(&self, time: i64) {
        self.observed.store(time, Ordering::Relaxed);
    }

    /// Records whether the stream has a known end.
    pub fn bounded(&self, bounded: bool) {
        self.bounded.store(bounded, Ordering::Relaxed);
    }

    /// Records the number of messages for `worker` that are not covered by decisions; none if it is
    /// unknown.
    pub fn left(&self, worker: usize, messages: Option<u64>) {
        self.left.lock().insert(worker, messages);
    }

    /// Records the partition of `worker` whose next message all others wait for.
    pub fn held_by(&self, worker: usize, partition: Option<String>) {
        let mut holders = self.holders.lock();
        match partition {
            Some(partition) => drop(holders.insert(worker, partition)),
            None => drop(holders.remove(&worker)),
        }
    }

    /// Counts a decision of the pipeline's own branch.
    pub fn triggered(&self) {
        self.triggers.fetch_add(1, Ordering::Relaxed);
    }

    /// Records the progress of a training of `branch`, or its end.
    pub fn training(&self, branch: &str, training: Option<Training>) {
        let mut trainings = self.trainings.lock();
        match training {
            Some(training) => trainings.insert(branch.to_owned(), training),
            None => trainings.remove(branch),
        };
    }

    /// Number of samples read.
    pub fn samples(&self) -> u64 {
        self.samples.load(Ordering::Relaxed)
    }

    /// Number of invalid messages.
    pub fn dead_letters(&self) -> u64 {
        self.dead_letters.load(Ordering::Relaxed)
    }

    /// Number of late samples.
    pub fn late(&self) -> u64 {
        self.late.load(Ordering::Relaxed)
    }

    /// One line of text: samples read, the time of the stream, and running trainings.
    pub(super) fn line(&self, rate: f64) -> String {
        let mut parts = vec![format!("{} samples ({})", self.samples(), per_second(rate))];
        let observed = self.observed.load(Ordering::Relaxed);
        if let Some(time) = chrono::DateTime::from_timestamp_millis(observed) {
            parts.push(format!("at {}", time.format("%Y-%m-%d %H:%M")));
        }
        parts.extend(self.lag());
        parts.push(counted(self.triggers.load(Ordering::Relaxed), "trigger"));
        if self.dead_letters() > 0 {
            parts.push(counted(self.dead_letters(), "dead letter"));
        }
        if let Some(holder) = self.holders.lock().values().next() {
            parts.push(format!("waiting for {holder}"));
        }
        parts.extend(self.outages.now());
        for (branch, training) in self.trainings.lock().iter() {
            let name = if branch.is_empty() { "training" } else { branch };
            let (step, steps) = training.step;
            let loss = training.loss.map_or(String::new(), |loss| format!(", loss {loss:.3}"));
            parts.push(format!("{name} {} {step}/{steps}{loss}", training.trigger));
        }
        parts.join(" · ")
    }

    /// The number of messages that are still to be decided on, up to the end of the stream or its current
    /// end.
    fn lag(&self) -> Option<String> {
        let known = self.left.lock();
        let left = known.values().copied().sum::<Option<u64>>().filter(|_| !known.is_empty())?;
        let bounded = self.bounded.load(Ordering::Relaxed);
        Some(if bounded { format!("{left} to go") } else { format!("lag {left}") })
    }
}

fn counted(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

fn per_second(rate: f64) -> String {
    match rate {
        rate if rate >= 1e6 => format!("{:.1} M/s", rate / 1e6),
        rate if rate >= 1e4 => format!("{:.0} k/s", rate / 1e3),
        rate => format!("{rate:.0}/s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_shows_the_progress_of_the_job() {
        let status = Status::new(Outages::default());
        status.read(1200, 3, 0);
        status.observed(831_427_200_000);
        status.left(0, Some(40));
        status.left(1, Some(2));
        status.triggered();
        let training = Training { trigger: 1, step: (5, 80), loss: Some(0.25) };
        status.training("", Some(training));
        assert_eq!(
            status.line(25_000.0),
            "1200 samples (25 k/s) · at 1996-05-07 00:00 · lag 42 · 1 trigger · 3 dead letters · \
             training 1 5/80, loss 0.250"
        );
        // an unknown count of one worker makes the sum unknown.
        status.left(1, None);
        assert!(!status.line(0.0).contains("lag"));
        status.bounded(true);
        status.left(1, Some(0));
        status.held_by(1, Some("t/3".into()));
        let line = status.line(0.0);
        assert!(
            line.contains(" · 40 to go · ") && line.contains(" · waiting for t/3 · "),
            "{line}"
        );
        status.held_by(1, None);
        assert!(!status.line(0.0).contains("waiting"));
    }

    #[test]
    fn counts_of_other_processes_are_added_once() {
        let (here, there) = (Status::new(Outages::default()), Status::new(Outages::default()));
        here.read(10, 0, 0);
        there.read(5, 2, 1);
        there.held_by(3, Some("t/1".into()));
        there.left(3, Some(7));
        here.add(there.take());
        assert!(here.line(0.0).contains("waiting for t/1"));
        there.held_by(3, None);
        here.add(there.take());
        assert_eq!((here.samples(), here.dead_letters(), here.late()), (15, 2, 1));
        let line = here.line(0.0);
        assert!(line.contains("lag 7") && !line.contains("waiting"), "{line}");
    }
}
