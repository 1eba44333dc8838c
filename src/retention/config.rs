//! The `[retention]` table of a pipeline file.

use std::num::NonZeroU64;

use driftmill_operators::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::store::{SegmentSummary, Size};

/// What of a run is removed when it is old (default: nothing).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Segments of the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<LogRetention>,
    /// Weights of model versions; their descriptions stay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub versions: Option<VersionRetention>,
}

/// Which segments of the log are old: the oldest, as long as any of these limits is exceeded.
///
/// Of keyed topics they go with `driftmill gc` alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogRetention {
    /// Segments all of whose samples are so much older than the newest, in event time, as in
    /// `"90d"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age: Option<Span>,
    /// Most bytes of the whole log, as in `"1TB"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<Size>,
    /// Most samples of the whole log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub samples: Option<NonZeroU64>,
}

/// Which model versions are old.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct VersionRetention {
    /// The newest so many are not, whatever their age (default 1).
    pub keep: NonZeroU64,
    /// Others are, once they are so much older than the newest, in event time (default: at once).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age: Option<Span>,
}

impl Default for VersionRetention {
    fn default() -> Self {
        Self { keep: NonZeroU64::MIN, age: None }
    }
}

impl Retention {
    /// Whether everything is kept.
    pub fn keeps_all(&self) -> bool {
        *self == Self::default()
    }

    /// Problems of the table that its types do not exclude, as `(key, problem)`.
    pub fn check(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        if self.log.as_ref().is_some_and(|log| *log == LogRetention::default()) {
            let text =
                "name at least one limit: age = \"90d\", size = \"1TB\" or samples = 1000000";
            problems.push(("log", text.to_owned()));
        }
        problems
    }
}

impl LogRetention {
    /// How many of `segments`, which are sorted from the oldest to the newest, are old.
    pub(super) fn old(&self, segments: &[SegmentSummary]) -> usize {
        let newest = segments.last().map_or(i64::MIN, |segment| segment.newest);
        let by_age = self.age.map_or(0, |age| {
            let oldest = newest.saturating_sub(age.millis());
            segments.partition_point(|segment| segment.newest < oldest)
        });
        let surplus = |most: Option<u64>, of: fn(&SegmentSummary) -> u64| {
            let mut total: u64 = segments.iter().map(of).sum();
            let exceeds = |segment: &&SegmentSummary| {
                let exceeds = most.is_some_and(|most| total > most);
                total -= of(segment);
                exceeds
            };
            segments.iter().take_while(exceeds).count()
        };
        let by_size = surplus(self.size.map(|size| size.0), |segment| segment.bytes);
        let samples = self.samples.map(NonZeroU64::get);
        let by_samples = surplus(samples, |segment| segment.counts.samples);
        by_age.max(by_size).max(by_samples)
    }
}
