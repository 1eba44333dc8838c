//! Event times in pipeline files and messages.

use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// An event time in milliseconds since 1970 (negative before), written as an RFC 3339 date or
/// date-time in quotes, or as the number itself.
///
/// ```
/// use driftmill_datasets::Timestamp;
///
/// let day: Timestamp = "1996-05-07".parse().unwrap();
/// assert_eq!(day, "1996-05-07T02:00:00+02:00".parse().unwrap());
/// assert_eq!(day.millis(), 831_427_200_000);
/// ```
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "Written", into = "Written")]
pub struct Timestamp(i64);

/// The error for a text that is not an event time.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("wanted an RFC 3339 date such as 1970-01-01 or 1970-01-01T00:00:00Z, found `{0}`")]
pub struct ParseTimeError(String);

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "wanted an RFC 3339 date in quotes or a number of milliseconds since 1970"
)]
enum Written {
    Millis(i64),
    Text(String),
}

impl Timestamp {
    /// The time `millis` milliseconds after the start of 1970.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Milliseconds since 1970 after `steps` steps of `step_ms`; at most `i64::MAX`.
    pub(crate) fn after(self, steps: u64, step_ms: u32) -> i64 {
        let later = i128::from(self.0) + i128::from(steps) * i128::from(step_ms);
        i64::try_from(later).unwrap_or(i64::MAX)
    }
}

impl std::str::FromStr for Timestamp {
    type Err = ParseTimeError;

    fn from_str(text: &str) -> Result<Self, ParseTimeError> {
        let time = if text.len() == "1970-01-01".len() {
            let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
            date.map(|date| date.and_time(NaiveTime::MIN).and_utc())
        } else {
            DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc())
        };
        time.map(|time| Self(time.timestamp_millis()))
            .ok_or_else(|| ParseTimeError(text.chars().take(40).collect()))
    }
}

impl TryFrom<Written> for Timestamp {
    type Error = ParseTimeError;

    fn try_from(written: Written) -> Result<Self, ParseTimeError> {
        match written {
            Written::Millis(millis) => Ok(Self(millis)),
            Written::Text(text) => text.parse(),
        }
    }
}

impl From<Timestamp> for Written {
    fn from(Timestamp(millis): Timestamp) -> Self {
        match DateTime::from_timestamp_millis(millis) {
            // RFC 3339 has no years of more than four digits.
            Some(time) if (-62_167_219_200_000..253_402_300_800_000).contains(&millis) => {
                Self::Text(time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
            }
            _ => Self::Millis(millis),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serialization_round_trips() {
        for millis in [i64::MIN, -1_262_304_000_000, -1, 0, 1, 831_427_200_123, i64::MAX] {
            let json = serde_json::to_string(&Timestamp(millis)).unwrap();
            assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), Timestamp(millis));
        }
    }

    #[test]
    fn refuses_texts_that_are_not_dates() {
        for text in ["", "1970", "1970-02-30", "1970-1-100", "yesterday", "1970-01-01 00:00"] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }
}
