//! The table of the trigger.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::trigger::{Aggregate, TriggerTable};

/// Trains when enough of several triggers fire.
///
/// Every member sees every change. A decision of a member is its vote. `vote` defines the number of votes
/// that is enough, where members that never voted count as well, and `votes` defines the duration of a
/// vote. At each change the members take these steps, in the order of their names:
///
/// ```text
/// 1. decisions before the change              enough votes: train on all before it;   all votes end
/// 2. decisions at the change, with questions  enough votes: train up to and with it;  all votes end
/// ```
///
/// No member sees a change before the first step has ended. After a training before the change, all members
/// continue with the change. A vote for the position before the change counts in both steps. Questions are
/// asked one after another, all to the newest model at the change. If a member has evaluated or voted, but
/// the votes are not enough, the ensemble reports one evaluation for the change, whose members are the
/// measurements of its members. Every member is informed of every training, including members that did not
/// vote for it. Members are not informed of votes without a training. Warm-ups vote like other decisions. A
/// member may be an ensemble.
///
/// Reference: M. Böther et al., *Modyn: Data-Centric Machine Learning Pipeline Orchestration*, SIGMOD
/// (2025). In Modyn, the majority is initially one among the members that have voted so far, and members
/// are not informed of the size and duration of trainings.
///
/// ```
/// use driftmill_operators::{Change, Id, Position, Record, trigger::*};
/// let table = "vote = \"majority\"
///     members.small.amount = { every = 2 }
///     members.middle.amount = { every = 3 }
///     members.large.amount = { every = 50 }";
/// let decided = |votes: &str| -> Vec<u64> {
///     let config: Ensemble = toml::from_str(&format!("votes = \"{votes}\"\n{table}")).unwrap();
///     let mut trigger = config.init();
///     let decides = |i: &u64| {
///         let record = Record::new(Position::new(0, Id(*i)), 0, 0, None);
///         matches!(trigger.observe(&Change::insert(record)), Step::Fire(_))
///     };
///     (0..15).filter(decides).collect()
/// };
/// // the votes of samples 1 and 2, 3 and 5, 7 and 8, …
/// assert_eq!(decided("sticky"), [2, 5, 8, 11, 14]);
/// assert_eq!(decided("evaluation"), [5, 11]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Ensemble {
    /// The triggers, by names of your choice: `members.NAME.amount = { every = 1000 }`.
    pub members: BTreeMap<String, TriggerTable>,
    /// The number of members that must vote: `"any"` (default), `"majority"`, `"all"` or
    /// `{ at_least = 2 }`.
    #[serde(default)]
    pub vote: Aggregate,
    /// The duration of a vote (default `sticky`).
    #[serde(default)]
    pub votes: Votes,
}

/// The duration of a member's vote. All votes end when the ensemble decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Votes {
    /// Until the ensemble decides, even if the member would not vote any more.
    #[default]
    Sticky,
    /// Until the member's next evaluation. A vote from a measurement, as in `drift`, lasts until the member
    /// measures again, and ends if that measurement finds nothing. A vote without a measurement, as in
    /// `amount`, `time` or a warm-up, lasts only for the change at which it is cast.
    Evaluation,
}

impl Ensemble {
    /// Problems of the members, each with its path.
    pub(super) fn of_members(
        &self,
        check: impl Fn(&TriggerTable) -> Vec<(&'static str, String)>,
    ) -> Vec<(&'static str, String)> {
        let of = |(name, table): (&String, &TriggerTable)| {
            let place = format!("{name}.{}", table.key());
            let own = check(table).into_iter();
            own.map(|(key, text)| ("members", format!("{place}.{key}: {text}"))).collect::<Vec<_>>()
        };
        self.members.iter().flat_map(of).collect()
    }
}
