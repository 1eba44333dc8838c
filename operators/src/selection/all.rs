//! Selection of all samples.

use serde::{Deserialize, Serialize};

use super::draw::{in_order, propose};
use super::pool::Sample;
use super::windowed::{Draw, Windowed};
use super::{Choice, Proposal, Selection, SelectionConfig, Tail};

pub(super) const EXAMPLE: &str = "";

/// Every sample seen so far.
///
/// What all others are compared with: each training set holds all of those before, so training takes
/// longer and longer. Keeps of each sample its position, event time and label: 32 bytes.
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

impl SelectionConfig for All {
    fn init(&self) -> Box<dyn Selection> {
        Box::new(Windowed::new(self.clone()))
    }

    fn combine(&self, proposal: Proposal) -> Choice {
        in_order(proposal.candidates)
    }
}

impl Draw for All {
    fn tail(&self) -> Tail {
        Tail::all()
    }

    fn propose(&self, trigger: u64, samples: &[Sample]) -> Proposal {
        propose(trigger, samples, None, |_| 0)
    }
}
