//! The samples that a selection of new data holds.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::Position;

/// The labelled samples within the tail of one partition.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Held {
    /// Those that entered at their positions, in that order; without a label those that were taken
    /// back since.
    samples: VecDeque<(Position, Option<u32>)>,
    /// The number of retracted samples.
    gone: usize,
    /// Those that entered later, when their labels came, each with the number of triggers before.
    late: BTreeMap<Position, (u64, u32)>,
    /// Samples since the last trigger.
    since: u64,
    /// For each of the last triggers within the tail, how many samples came before it, since the one
    /// before, and the last position it covered in this partition.
    past: VecDeque<(u64, Option<Position>)>,
    /// Triggers so far.
    triggers: u64,
}

impl Held {
    /// A sample enters, at its own position.
    pub(super) fn enter(&mut self, position: Position, label: u32) {
        self.since += 1;
        self.samples.push_back((position, Some(label)));
    }

    /// A sample enters that has been there, but not with this label.
    pub(super) fn enter_late(&mut self, position: Position, label: u32) {
        self.leave(position);
        self.since += 1;
        self.late.insert(position, (self.triggers, label));
    }

    /// A sample is retracted, if it is within the tail.
    pub(super) fn leave(&mut self, position: Position) {
        if let Some((trigger, _)) = self.late.remove(&position) {
            let back = (self.triggers - trigger) as usize;
            let period = self.past.len().checked_sub(back).and_then(|at| self.past.get_mut(at));
            let count = period.map_or(&mut self.since, |(count, _)| count);
            *count = count.saturating_sub(1);
            return;
        }
        let found = self.samples.binary_search_by_key(&position, |(held, _)| *held);
        if let Some(at) = found.ok().filter(|at| self.samples[*at].1.take().is_some()) {
            let period = self.past.iter_mut().find(|(_, last)| Some(self.samples[at].0) <= *last);
            let count = period.map_or(&mut self.since, |(count, _)| count);
            *count = count.saturating_sub(1);
            self.gone += 1;
            // the room of those that are gone is given back when they are most.
            if self.gone > 16 && self.gone * 2 > self.samples.len() {
                self.samples.retain(|(_, label)| label.is_some());
                self.gone = 0;
            }
        }
    }

    /// Forgets all but the newest `most`: right where none of them can be taken back.
    pub(super) fn trim(&mut self, most: usize) {
        while self.samples.len() - self.gone > most {
            self.forget_first();
        }
    }

    /// Samples within the tail, whether they were forgotten or not.
    pub(super) fn available(&self) -> u64 {
        self.since + self.past.iter().map(|(count, _)| count).sum::<u64>()
    }

    /// The samples within the tail with their labels, the newest first: of those that entered in time,
    /// then of those that entered late, at most `most` each.
    pub(super) fn newest(&self, most: usize) -> impl Iterator<Item = (Position, u32)> {
        let in_time = self.samples.iter().rev();
        let in_time = in_time.filter_map(|(position, label)| Some((*position, (*label)?)));
        let late = self.late.iter().rev().map(|(position, (_, label))| (*position, *label));
        in_time.take(most).chain(late.take(most))
    }

    /// A trigger: drops what no later one reaches, `tail` triggers back.
    pub(super) fn pass_trigger(&mut self, tail: usize) {
        let last = self.samples.back().map(|(position, _)| *position);
        self.past.push_back((std::mem::take(&mut self.since), last));
        self.triggers += 1;
        while self.past.len() > tail {
            let last = self.past.pop_front().and_then(|(_, last)| last);
            while self.samples.front().is_some_and(|(position, _)| Some(*position) <= last) {
                self.forget_first();
            }
        }
        let reached = self.triggers.saturating_sub(tail as u64);
        self.late.retain(|_, (trigger, _)| *trigger >= reached);
    }

    fn forget_first(&mut self) {
        if let Some((_, None)) = self.samples.pop_front() {
            self.gone -= 1;
        }
    }
}
