//! Retraining after the deletion of trained samples.

use serde::{Deserialize, Serialize};

use super::{Cut, Firing, Outcome, Reason, Step, Trigger};
use crate::snapshot::snapshot_fields;
use crate::{Change, Id, Kind, Matrix, Span};

/// The action when a sample is deleted that the newest version was trained on.
///
/// Retraining is a separate decision right after the deletion, in addition to those of the trigger policy.
/// The trigger policy is informed of the new version and otherwise continues as if there had been no
/// decision. The selection proposes the training set, as for any decision. To lose only deleted samples,
/// the selection must reach back, as with `tail = "all"`. A replaced sample is not a deleted sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OnDelete {
    /// No action: versions do not change.
    #[default]
    Keep,
    /// A new version is trained without the sample.
    Retrain,
    /// A version is trained without all that are deleted within a span of event time from the first
    /// of them on, as in `{ retrain_within = "10m" }`: a burst of deletions is answered once.
    RetrainWithin(Span),
}

impl OnDelete {
    /// Whether deletions have no effect.
    pub fn is_keep(&self) -> bool {
        *self == Self::Keep
    }

    /// A policy that decides like `trigger` and also when trained samples are deleted.
    ///
    /// ```
    /// use driftmill_operators::{Change, Id, Kind, Position, Record, trigger::*};
    /// let mut trigger = OnDelete::Retrain.around(Amount { every: 4.try_into().unwrap() }.init());
    /// let record = Record::new(Position::new(0, Id(7)), 1, 0, None);
    /// let ids = vec![Id(5), Id(7)];
    /// trigger.trained(&Outcome { ids, ..Outcome::trained(0, 1, Position::MIN) });
    /// let Step::Fire(decision) = trigger.observe(&Change::new(Kind::Delete, record)) else { panic!() };
    /// assert_eq!(decision.reason.text, "1 deleted sample");
    /// ```
    pub fn around(self, trigger: Box<dyn Trigger>) -> Box<dyn Trigger> {
        let within = match self {
            Self::Keep => return trigger,
            Self::Retrain => 0,
            Self::RetrainWithin(within) => within.millis(),
        };
        Box::new(OnDeleteTrigger { trigger, within, state: State::default() })
    }
}

struct OnDeleteTrigger {
    trigger: Box<dyn Trigger>,
    /// How long further deletions are waited for, in milliseconds.
    within: i64,
    state: State,
}

impl OnDeleteTrigger {
    /// Whether deletions are to be decided on before `change`.
    fn is_due(&self, change: &Change) -> bool {
        self.state.due && change.at.time() >= self.state.first.saturating_add(self.within)
    }
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct State {
    /// The training set of the newest version.
    #[serde(with = "distances")]
    known: Vec<Id>,
    /// Number of samples of the training set that were deleted.
    deleted: u64,
    /// Whether a decision on these deletions is still due.
    due: bool,
    /// Position time of the first of them that is still to be decided on.
    #[serde(default)]
    first: i64,
}

impl State {
    fn is_deleted_from_version(&self, change: &Change) -> bool {
        change.kind == Kind::Delete && self.known.binary_search(&change.record.id()).is_ok()
    }

    fn decide(&mut self, cut: Cut) -> Firing {
        self.due = false;
        let samples = if self.deleted == 1 { "sample" } else { "samples" };
        let reason = Reason::plain("on_delete", format!("{} deleted {samples}", self.deleted));
        Firing::plain(cut, reason)
    }
}

snapshot_fields!(OnDeleteTrigger: trigger, state);

impl Trigger for OnDeleteTrigger {
    fn before(&mut self, change: &Change) -> Option<Firing> {
        if self.is_due(change) {
            return Some(self.state.decide(Cut::Before));
        }
        self.trigger.before(change)
    }

    fn observe(&mut self, change: &Change) -> Step {
        if self.is_due(change) {
            return Step::Fire(self.state.decide(Cut::Before));
        }
        let step = self.trigger.observe(change);
        if matches!(&step, Step::Fire(Firing { cut: Cut::Before, .. })) {
            // the host shows the change again.
            return step;
        }
        if self.state.is_deleted_from_version(change) {
            self.state.deleted += 1;
            if !std::mem::replace(&mut self.state.due, true) {
                self.state.first = change.at.time();
            }
        }
        match step {
            Step::Continue if self.state.due && self.within == 0 => {
                Step::Fire(self.state.decide(Cut::After))
            }
            step => step,
        }
    }

    fn observe_all(&mut self, changes: &[Change]) -> (usize, Step) {
        let mut passed = 0;
        while passed < changes.len() {
            let rest = &changes[passed..];
            let deleted =
                |change: &Change| self.is_due(change) || self.state.is_deleted_from_version(change);
            let others = rest.iter().position(deleted).unwrap_or(rest.len());
            if others > 0 {
                let (seen, step) = self.trigger.observe_all(&rest[..others]);
                passed += seen;
                if step != Step::Continue {
                    return (passed, step);
                }
            } else {
                match self.observe(&rest[0]) {
                    Step::Continue => passed += 1,
                    step => return (passed, step),
                }
            }
        }
        (passed, Step::Continue)
    }

    fn answer(&mut self, answer: &Matrix) -> Step {
        self.trigger.answer(answer)
    }

    fn retained_samples(&self, visit: &mut dyn FnMut(Id)) {
        // the training set of the newest version is only compared with deletions, so its features are not
        // needed.
        self.trigger.retained_samples(visit);
    }

    fn trained(&mut self, outcome: &Outcome) {
        self.trigger.trained(outcome);
        if outcome.version.is_some() {
            let mut known = outcome.ids.clone();
            known.sort_unstable();
            self.state = State { known, ..State::default() };
        }
    }
}

/// Serializes sorted ids as the differences between them. Most differences take one byte.
mod distances {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::Id;

    pub(super) fn serialize<S: Serializer>(ids: &[Id], to: S) -> Result<S::Ok, S::Error> {
        let mut before = 0;
        to.collect_seq(ids.iter().map(|id| id.0 - std::mem::replace(&mut before, id.0)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Id>, D::Error> {
        let mut before: u64 = 0;
        let id = |distance: u64| {
            before = before.wrapping_add(distance);
            Id(before)
        };
        Ok(Vec::<u64>::deserialize(from)?.into_iter().map(id).collect())
    }
}
