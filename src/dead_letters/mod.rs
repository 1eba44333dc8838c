//! Invalid messages: their destination, and their replay.
//!
//! After a crash, a job reads again the messages that were not durable. Dead letters of such messages are
//! first removed from a file. A topic may contain the same dead letter twice: topic, partition and offset
//! identify the message.

mod config;
mod dead_letter;
mod destination;
mod error;
mod file;
mod kafka;
mod queue;
mod read;
mod rejected;
mod replay;
mod tally;

pub use config::{DeadLetters, MaxBytes, OnError};
pub use dead_letter::{DeadLetter, Omitted};
pub use error::DeadLetterError;
pub use queue::DeadLetterQueue;
pub use read::{from_file, from_topic};
pub use replay::{Replay, Replayed};
pub use tally::MostFrequentError;
