//! Sends the messages of dead letters to their topics again.

use std::collections::HashSet;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::BaseRecord;

use super::kafka::Sender;
use super::{DeadLetter, DeadLetterError};
use crate::outage::CancellationToken;

/// Number of messages that are sent before they are recorded as sent.
const BATCH: usize = 500;

/// The time between two log lines about brokers that do not answer.
const SILENCE: Duration = Duration::from_secs(10);

/// Time limit for an answer of the brokers.
const ANSWER: Duration = Duration::from_secs(60);

/// Sends the messages of dead letters to their original topics, each once.
pub struct Replay {
    /// A client of the brokers with these topics.
    pub client: ClientConfig,
    /// The classes of errors whose messages are sent; all if empty.
    pub classes: Vec<String>,
    /// A file that records which messages were sent, one per line: `topic/partition/offset`.
    pub memory: PathBuf,
    /// Whether to count messages without sending them.
    pub dry: bool,
}

/// The numbers of dead letters that were sent or skipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Sent now.
    pub sent: usize,
    /// Sent before, or duplicates.
    pub before: usize,
    /// Skipped because of their class.
    pub others: usize,
    /// Without the message's bytes.
    pub omitted: usize,
}

impl Replay {
    /// Sends the messages that were not sent before, with key, bytes, partition and timestamp, and a header
    /// `driftmill.replay-of`.
    ///
    /// After a crash, up to 500 messages may be sent but not recorded as sent. The header identifies them.
    ///
    /// # Errors
    /// When they cannot be sent, or the brokers do not answer for a minute. Messages that were sent are
    /// recorded.
    pub fn send(&self, dead_letters: &[DeadLetter]) -> Result<Replayed, DeadLetterError> {
        let mut counts = Replayed::default();
        let mut known = self.remembered()?;
        let mut wanted = Vec::new();
        for dead_letter in dead_letters {
            if !self.classes.is_empty() && !self.classes.contains(&dead_letter.error) {
                counts.others += 1;
            } else if dead_letter.omitted.is_some() {
                counts.omitted += 1;
            } else if known.insert(dead_letter.message()) {
                wanted.push(dead_letter);
            } else {
                counts.before += 1;
            }
        }
        counts.sent = wanted.len();
        if self.dry || wanted.is_empty() {
            return Ok(counts);
        }
        let sender = Sender::start(self.client.clone(), &CancellationToken::default())?;
        for batch in wanted.chunks(BATCH) {
            for dead_letter in batch {
                again(&sender, dead_letter)?;
            }
            delivered(&sender)?;
            self.remember(batch)?;
        }
        Ok(counts)
    }

    fn remembered(&self) -> Result<HashSet<String>, DeadLetterError> {
        match std::fs::read_to_string(&self.memory) {
            Ok(text) => Ok(text.lines().map(str::to_owned).collect()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(HashSet::new()),
            Err(error) => Err(DeadLetterError::io("reading", &self.memory)(error)),
        }
    }

    fn remember(&self, dead_letters: &[&DeadLetter]) -> Result<(), DeadLetterError> {
        let failed = || DeadLetterError::io("writing", &self.memory);
        if let Some(folder) = self.memory.parent() {
            std::fs::create_dir_all(folder).map_err(failed())?;
        }
        let lines: String =
            dead_letters.iter().map(|dead_letter| dead_letter.message() + "\n").collect();
        let mut file =
            File::options().append(true).create(true).open(&self.memory).map_err(failed())?;
        file.write_all(lines.as_bytes()).and_then(|()| file.sync_data()).map_err(failed())
    }
}

/// Waits until the brokers have all messages.
fn delivered(sender: &Sender) -> Result<(), DeadLetterError> {
    let (mut waiting, mut answered) = (sender.in_flight(), Instant::now());
    while !sender.sync(SILENCE)? {
        let left = sender.in_flight();
        if left < waiting {
            (waiting, answered) = (left, Instant::now());
        }
        if answered.elapsed() > ANSWER {
            return Err(sender.unreachable(ANSWER));
        }
        tracing::warn!("{left} messages wait for the brokers");
    }
    sender.check_sizes()
}

fn again(sender: &Sender, dead_letter: &DeadLetter) -> Result<(), DeadLetterError> {
    let message = dead_letter.message();
    let header = Header { key: "driftmill.replay-of", value: Some(&message) };
    let mut record = BaseRecord::to(&dead_letter.topic)
        .partition(i32::from(dead_letter.partition))
        .payload(&dead_letter.payload[..])
        .headers(OwnedHeaders::new().insert(header));
    record.key = dead_letter.key.as_deref();
    record.timestamp = dead_letter.timestamp;
    sender.send(record)
}
