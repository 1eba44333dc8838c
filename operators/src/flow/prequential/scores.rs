//! Requests for scores, and the scores.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Id, Position};

/// Samples to be scored by one version.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToScore {
    /// The version that was active at the samples; none before the first version.
    pub version: Option<u64>,
    /// The samples, in the order in which their labels became known.
    pub samples: Vec<Scorable>,
}

/// A sample to be scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scorable {
    /// The sample.
    pub id: Id,
    /// Its event time, in milliseconds since 1970.
    pub time: i64,
    /// Its class.
    pub label: u32,
    /// 1 to count its score, −1 to retract the earlier score: the class was corrected.
    pub count: i64,
}

/// The quality of the predictions for the samples of one interval.
///
/// Sums are integers, so that they depend neither on the order of additions nor on the number of workers.
/// They are differences if scores are retracted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scored {
    /// Number of the interval of event time.
    pub interval: i64,
    /// Samples scored.
    pub samples: i64,
    /// Samples that arrived before there was a model.
    pub unscored: i64,
    /// Samples whose class was predicted.
    pub correct: i64,
    /// Sum of cross entropies, in units of 2⁻³² nats.
    pub loss: i128,
}

/// The scores of one worker's samples before a position.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// The worker that owns the samples.
    pub worker: usize,
    /// All the worker's samples before this position are scored now.
    pub until: Position,
    /// The sums, by intervals.
    pub sums: Vec<Scored>,
}

/// The progress of an evaluation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evaluated {
    /// For each partition ([`Id::stream`]), the position before which its samples are scored.
    pub until: BTreeMap<u32, Position>,
    /// The positions at which versions took effect, in order.
    pub versions: Vec<(Position, u64)>,
}
