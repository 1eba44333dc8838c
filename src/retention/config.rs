//! The `[retention]` table of a pipeline file.

use std::num::NonZeroU64;

use driftmill_operators::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::store::{SegmentSummary, Size};

/// The limits of old data of a run. By default only old trigger evaluations are removed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Segments of the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<LogRetention>,
    /// Weights of model versions. Their descriptions stay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub versions: Option<VersionRetention>,
    /// Trigger evaluations in the catalog. Decisions stay.
    #[serde(skip_serializing_if = "EvaluationRetention::is_default")]
    pub trigger_evaluations: EvaluationRetention,
}

/// The trigger evaluations that are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EvaluationRetention {
    /// Number of newest evaluations of each policy that are kept (default 10000).
    pub keep: NonZeroU64,
}

impl Default for EvaluationRetention {
    fn default() -> Self {
        Self { keep: const { NonZeroU64::new(10_000).expect("it is positive") } }
    }
}

impl EvaluationRetention {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Limits of the log. While one is exceeded, the oldest segments are removed.
///
/// Segments of keyed topics are removed only by `driftmill gc`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogRetention {
    /// Maximum age of a segment's newest sample, compared in event time with the newest sample of the log,
    /// such as `"90d"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age: Option<Span>,
    /// Maximum size of the whole log, such as `"1TB"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<Size>,
    /// Maximum number of samples in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub samples: Option<NonZeroU64>,
}

/// The versions that keep their weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct VersionRetention {
    /// Number of newest versions that are kept, whatever their age (default 1).
    pub keep: NonZeroU64,
    /// The age at which other versions are removed, compared in event time with the newest version
    /// (default: at once).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age: Option<Span>,
}

impl Default for VersionRetention {
    fn default() -> Self {
        Self { keep: NonZeroU64::MIN, age: None }
    }
}

impl Retention {
    /// Whether the whole log and the weights of all versions are kept.
    pub fn keeps_all(&self) -> bool {
        self.log.is_none() && self.versions.is_none()
    }

    /// Whether the table has its default values.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Problems of the table that its types cannot detect, as `(key, problem)`.
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
    /// The number of old segments among `segments`, which are sorted from the oldest to the newest.
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
