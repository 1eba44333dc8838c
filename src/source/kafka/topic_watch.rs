//! Detects topics that were deleted and created again under the same name.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};
use rdkafka::consumer::{BaseConsumer, Consumer};

use crate::kafka::{ClientReports, describe, topic_ids};
use crate::source::{Partition, SourceError};

/// The pause between two checks.
const INTERVAL: Duration = Duration::from_secs(1);

const REQUEST: Duration = Duration::from_secs(5);

/// Compares the ids of topics with the recorded ones: once before anything is read, then once
/// a second, on a separate thread.
///
/// librdkafka itself continues in a new topic at the offset of the old one.
pub(super) struct TopicWatch {
    seen: Arc<Seen>,
    /// Ends the thread when it is dropped.
    _end: Option<Sender<()>>,
}

#[derive(Default)]
struct Seen {
    /// Whether the topics were those of the run at the start.
    confirmed: AtomicBool,
    /// The topic that was created again: its name, its id, and the recorded id.
    other: OnceLock<(String, String, String)>,
}

impl TopicWatch {
    /// Watches the topics of `partitions`. A topic without a recorded id is compared with the
    /// first id that is found.
    pub(super) fn start(
        consumer: &Arc<BaseConsumer<ClientReports>>,
        partitions: &[Partition],
    ) -> Self {
        let mut known: BTreeMap<String, Option<String>> = BTreeMap::new();
        for partition in partitions {
            let id = known.entry(partition.topic.clone()).or_default();
            *id = id.take().or_else(|| partition.identity.clone());
        }
        let seen = Arc::new(Seen::default());
        if known.is_empty() {
            seen.confirmed.store(true, Ordering::Relaxed);
            return Self { seen, _end: None };
        }
        let (end, ended) = bounded::<()>(0);
        let (watched, consumer) = (Arc::clone(&seen), Arc::clone(consumer));
        let work = move || {
            while watched.check(&consumer, &mut known)
                && ended.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout)
            {}
        };
        let thread = std::thread::Builder::new().name("topic-watch".to_owned()).spawn(work);
        if let Err(error) = thread {
            tracing::warn!("starting the thread that watches topics: {error}");
            seen.confirmed.store(true, Ordering::Relaxed);
        }
        Self { seen, _end: Some(end) }
    }

    /// Whether messages may be read: the topics are those of the run.
    ///
    /// # Errors
    /// [`SourceError::Recreated`] when one is not.
    pub(super) fn is_confirmed(&self) -> Result<bool, SourceError> {
        match self.seen.other.get() {
            Some((topic, found, known)) => Err(SourceError::Recreated {
                topic: topic.clone(),
                found: found.clone(),
                known: known.clone(),
            }),
            None => Ok(self.seen.confirmed.load(Ordering::Acquire)),
        }
    }
}

impl Seen {
    /// Checks once. Returns whether to continue.
    fn check(
        &self,
        consumer: &BaseConsumer<ClientReports>,
        known: &mut BTreeMap<String, Option<String>>,
    ) -> bool {
        let topics: Vec<&str> = known.keys().map(String::as_str).collect();
        let found = match topic_ids(consumer.client(), &topics, REQUEST) {
            Ok(found) => found,
            Err(error) => {
                tracing::debug!("reading the ids of topics: {}", describe(&error));
                return true;
            }
        };
        for (topic, found) in found {
            let Some(id) = known.get_mut(&topic) else { continue };
            let id = id.get_or_insert_with(|| found.clone());
            if *id != found {
                // only the first one is reported.
                drop(self.other.set((topic, found, id.clone())));
                return false;
            }
        }
        self.confirmed.store(true, Ordering::Release);
        true
    }
}
