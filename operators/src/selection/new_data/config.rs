//! The table of the policy.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use crate::selection::Tail;

/// The samples since the last trigger, and those of `tail` triggers before it or all earlier ones; at most
/// `limit`.
///
/// The limit applies to the whole training set and not to each worker's part of it.
///
/// Only labelled samples are trained on. A sample is new when it enters, and again when its label becomes
/// known or is corrected. It leaves when it is replaced or deleted, or when its label is retracted.
///
/// ```
/// use driftmill_operators::{Change, Id, Position, Record, selection::*};
/// let config = NewData { limit: Some(2.try_into().unwrap()), ..NewData::default() };
/// let mut partition = config.init();
/// for i in 0..5 {
///     let record = Record::new(Position::new(0, Id(i)), 0, 0, Some(1));
///     partition.observe(&Change::insert(record));
/// }
/// let chosen = config.combine(partition.propose(0)).rows;
/// assert_eq!(chosen.iter().map(|c| c.position.id()).collect::<Vec<_>>(), [Id(3), Id(4)]);
/// assert_eq!(partition.propose(1).available, 0);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct NewData {
    /// Number of earlier triggers whose samples are candidates, or `"all"` (default 0: only samples since
    /// the last trigger).
    pub tail: Tail,
    /// Maximum number of samples in a training set (default: no limit).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<NonZeroUsize>,
    /// The samples that a limit keeps (default `last`).
    pub keep: Keep,
    /// Seed of `keep = "uniform"` and `"reservoir"` (default 0).
    pub seed: u64,
}

/// The samples that a limit keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// The newest samples.
    #[default]
    Last,
    /// A uniformly random choice, drawn again for each trigger. All samples within the tail are held.
    Uniform,
    /// A uniformly random choice that persists. A sample stays in it until others displace it, so that
    /// training sets change slowly. For each trigger within the tail (with `tail = "all"`, for all triggers
    /// together) a partition holds at most 2 · `limit` samples, whatever the length of the stream.
    /// [`ClassMemory`](crate::selection::ClassMemory) describes the effect of retractions.
    Reservoir,
}

impl NewData {
    /// The largest number of samples in a training set.
    pub(super) fn most(&self) -> usize {
        self.limit.map_or(usize::MAX, NonZeroUsize::get)
    }
}
