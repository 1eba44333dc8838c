//! Selection of all samples.

use serde::{Deserialize, Serialize};

use super::draw::{in_order, propose};
use super::pool::Sample;
use super::windowed::Draw;
use super::{Choice, Proposal, Tail};

/// Every sample seen so far.
///
/// This is the baseline for all other selections. Each training set contains all earlier samples, so that
/// trainings take longer and longer. Memory: position, event time and label of each sample, 32 bytes.
///
/// ```
/// use driftmill_operators::{Change, Id, Position, Record, selection::*};
/// let mut partition = All {}.init();
/// let record = |i| Record::new(Position::new(0, Id(i)), 0, 0, Some(1));
/// for trigger in 0..3 {
///     partition.observe(&Change::insert(record(trigger)));
///     assert_eq!(All {}.combine(partition.propose(trigger)).rows.len() as u64, trigger + 1);
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct All {}

impl Draw for All {
    fn tail(&self) -> Tail {
        Tail::all()
    }

    fn propose(&self, trigger: u64, samples: &[Sample]) -> Proposal {
        propose(trigger, samples, None, |_| 0)
    }

    fn choose(&self, proposal: Proposal) -> Choice {
        in_order(proposal.candidates)
    }
}
