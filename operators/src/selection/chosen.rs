//! The report of a choice.

use serde::{Deserialize, Serialize};

use crate::Id;

/// The choice for a decision, as it is reported to partitions that remember it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    /// The trigger.
    pub trigger: u64,
    /// The round that the choice was made in ([`Choice::round`](super::Choice::round)).
    pub round: u64,
    /// The chosen samples of all partitions.
    pub ids: Vec<Id>,
}
