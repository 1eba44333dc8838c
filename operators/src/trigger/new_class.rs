//! The trigger on new classes.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::{Cut, Firing, Outcome, Reason, Step, Trigger, TriggerConfig};
use crate::{Change, Id, Kind};

pub(super) const EXAMPLE: &str = "samples = 10";

/// Trains when a class appears that no version was trained with.
///
/// A class is new until a version is trained after a labelled sample of it has appeared. When a version is
/// trained, all classes with a labelled sample become known, whether or not the selection chose them, and
/// they stay known. The very first class is new, too. A class fires when `samples` samples have it. A late
/// label counts when it arrives. A sample no longer counts if it is retracted or if its label is retracted
/// or corrected. If the decision leads to no version, the class fires again after the same number of
/// further samples.
///
/// The policy does not use a model. [`ClassBalance`](super::ClassBalance) detects changes of known classes.
///
/// Reference: M. M. Masud et al., *Classification and Novel Class Detection in Concept-Drifting Data
/// Streams under Time Constraints*, IEEE Transactions on Knowledge and Data Engineering 23 (2011), for the
/// problem. Here the classes are taken from labels.
///
/// ```
/// use driftmill_operators::{Change, Id, Position, Record, trigger::*};
/// let mut trigger = NewClass { samples: 2.try_into().unwrap() }.init();
/// let mut decided = Vec::new();
/// for (i, label) in [0, 0, 0, 1, 0, 1, 1].into_iter().enumerate() {
///     let label = Some(label);
///     let record = Record::new(Position::new(0, Id(i as u64)), 0, 0, label);
///     if let Step::Fire(decision) = trigger.observe(&Change::insert(record)) {
///         decided.push((i, decision.reason.text));
///         trigger.trained(&Outcome::trained(0, 1, Position::MIN));
///     }
/// }
/// let texts = ["2 samples of new class 0", "2 samples of new class 1"].map(str::to_owned);
/// assert_eq!(decided, [1, 5].into_iter().zip(texts).collect::<Vec<_>>());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewClass {
    /// Number of labelled samples of a class at which it fires (default 1).
    #[serde(default = "crate::defaults::count::<1>")]
    pub samples: NonZeroUsize,
}

impl TriggerConfig for NewClass {
    fn init(&self) -> Box<dyn Trigger> {
        let (known, new) = (BTreeSet::new(), BTreeMap::new());
        Box::new(NewClassTrigger { samples: self.samples.get(), known, new })
    }
}

#[derive(Serialize, Deserialize)]
struct NewClassTrigger {
    samples: usize,
    known: BTreeSet<u32>,
    new: BTreeMap<u32, New>,
}

/// A class that no version was trained with.
#[derive(Serialize, Deserialize)]
struct New {
    /// The samples of the class.
    ids: BTreeSet<Id>,
    /// The number of samples at which the policy decides.
    next: usize,
}

impl NewClassTrigger {
    fn remove(&mut self, id: Id) {
        self.new.values_mut().for_each(|class| {
            class.ids.remove(&id);
        });
    }

    fn count(&mut self, id: Id, label: u32) -> Step {
        if self.known.contains(&label) {
            return Step::Continue;
        }
        let samples = self.samples;
        let start = || New { ids: BTreeSet::new(), next: samples };
        let class = self.new.entry(label).or_insert_with(start);
        class.ids.insert(id);
        let count = class.ids.len();
        if count < class.next {
            return Step::Continue;
        }
        class.next = count + samples;
        let plural = if count == 1 { "" } else { "s" };
        let reason = Reason {
            policy: "new_class".to_owned(),
            text: format!("{count} sample{plural} of new class {label}"),
            score: Some(count as f64),
            threshold: Some(samples as f64),
        };
        Step::Fire(Firing::plain(Cut::After, reason))
    }
}

impl Trigger for NewClassTrigger {
    fn observe(&mut self, change: &Change) -> Step {
        let id = change.record.id();
        if matches!(change.kind, Kind::Retract | Kind::Label) {
            self.remove(id);
        }
        match (change.kind, change.record.label) {
            (Kind::Insert | Kind::Label, Some(label)) => self.count(id, label),
            _ => Step::Continue,
        }
    }

    fn trained(&mut self, outcome: &Outcome) {
        if outcome.version.is_some() {
            let seen = std::mem::take(&mut self.new).into_iter();
            let seen = seen.filter(|(_, class)| !class.ids.is_empty());
            self.known.extend(seen.map(|(label, _)| label));
        }
    }

    fn retained_samples(&self, _visit: &mut dyn FnMut(Id)) {}
}
