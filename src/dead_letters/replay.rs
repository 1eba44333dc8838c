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

/// Messages that are sent before their numbers are recorded.
const BATCH: usize = 500;

/// Between two lines about brokers that do not answer.
const SILENCE: Duration = Duration::from_secs(10);

/// How long the brokers may take to answer.
const ANSWER: Duration = Duration::from_secs(60);

/// Sends messages again to where they came from, each once.
pub struct Replay {
    /// A client of the brokers they came from.
    pub client: ClientConfig,
    /// Only errors of these classes; all if there are none.
    pub classes: Vec<String>,
    /// Remembers which messages were sent, one a line: `topic/partition/offset`.
    pub memory: PathBuf,
    /// Whether to count only.
    pub dry: bool,
}

/// How many dead letters were sent or skipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Sent now.
    pub sent: usize,
    /// Sent before, or the same message again.
    pub before: usize,
    /// Of other classes.
    pub others: usize,
}

impl Replay {
    /// Sends what was not sent before: with its key, bytes, partition and timestamp, and a header
    /// `driftmill.replay-of`.
    ///
    /// A crash may leave up to 500 messages sent and not remembered; the header says which message
    /// they are, too.
    ///
    /// # Errors
    /// When they cannot be sent, or the brokers do not answer for a minute. Messages that were sent
    /// are remembered.
    pub fn send(&self, dead_letters: &[DeadLetter]) -> Result<Replayed, DeadLetterError> {
        let mut counts = Replayed::default();
        let mut known = self.remembered()?;
        let mut wanted = Vec::new();
        for dead_letter in dead_letters {
            if !self.classes.is_empty() && !self.classes.contains(&dead_letter.error) {
                counts.others += 1;
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

/// Waits until the brokers have all that was sent.
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
    Ok(())
}

fn again(sender: &Sender, dead_letter: &DeadLetter) -> Result<(), DeadLetterError> {
    let message = dead_letter.message();
    let header = Header { key: "driftmill.replay-of", value: Some(&message) };
    let mut record = BaseRecord::to(&dead_letter.topic)
        .partition(i32::from(dead_letter.partition))
        .payload(&dead_letter.payload)
        .headers(OwnedHeaders::new().insert(header));
    record.key = dead_letter.key.as_ref();
    record.timestamp = dead_letter.timestamp;
    sender.send(record)
}
