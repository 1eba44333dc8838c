//! Changes that wait to be scored.

use std::collections::BTreeMap;

use timely::dataflow::operators::Capability;

use super::scores::{Scorable, ToScore};
use crate::flow::queue::Queue;
use crate::flow::versions::Versions;
use crate::{Change, Kind, Position};

/// Maximum number of samples in one request.
const BATCH: usize = 4096;

/// Changes that wait to be scored, and the versions that may score them.
#[derive(Default)]
pub(super) struct Unscored {
    pub(super) changes: Queue,
    /// A capability for a time that is not after the first of the changes.
    pub(super) capability: Option<Capability<Position>>,
    /// All versions: a label may arrive at any time.
    pub(super) versions: Versions,
    /// For each partition, the position up to which samples were scored before the job was stopped.
    pub(super) until: BTreeMap<u32, Position>,
}

impl Unscored {
    /// The next samples whose changes are before `end`, with one request for each version.
    pub(super) fn next_before(
        &mut self,
        end: Option<Position>,
    ) -> Option<(Capability<Position>, Vec<ToScore>, Position)> {
        let mut requests: BTreeMap<Option<u64>, Vec<Scorable>> = BTreeMap::new();
        let (mut first, mut count, mut until) = (None, 0, Position::MIN);
        while let (Some(change), Some(capability)) = (self.changes.rest().first(), &self.capability)
        {
            if end.is_some_and(|end| change.at >= end) || count >= BATCH {
                break;
            }
            let seen = self.until.get(&change.record.id().stream());
            let [counted, taken_back] = scorables(change);
            if counted.or(taken_back).is_some() && seen.is_none_or(|until| *until <= change.at) {
                first.get_or_insert_with(|| capability.delayed(&change.at));
                let (version, _) = self.versions.active(change.record.position);
                let samples = requests.entry(version).or_default();
                samples.extend(counted.into_iter().chain(taken_back));
                count += 1;
            }
            until = change.at.next();
            self.changes.pass(1);
        }
        match (self.changes.rest().first(), &mut self.capability) {
            (Some(next), Some(capability)) => capability.downgrade(&next.at),
            _ => self.capability = None,
        }
        let requests = requests.into_iter();
        let requests = requests.map(|(version, samples)| ToScore { version, samples }).collect();
        first.map(|capability| (capability, requests, until))
    }
}

/// The scores that a change adds and retracts.
fn scorables(change: &Change) -> [Option<Scorable>; 2] {
    let record = &change.record;
    let scorable = |label, count| Scorable { id: record.id(), time: record.time, label, count };
    let counted = record.label.map(|label| scorable(label, 1));
    match change.kind {
        Kind::Insert => [counted, None],
        Kind::Label => [counted, change.before.map(|label| scorable(label, -1))],
        Kind::Retract | Kind::Delete => [None, None],
    }
}
