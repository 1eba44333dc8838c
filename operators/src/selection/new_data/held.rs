//! The samples that a selection of new data holds.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::Position;

/// The labelled samples within the tail of one partition.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Held {
    /// Samples that entered at their positions, in that order. Retracted samples have no label.
    samples: VecDeque<(Position, Option<u32>)>,
    /// The number of retracted samples.
    retracted: usize,
    /// Samples that entered later, when their labels arrived, each with the number of triggers before it.
    late: BTreeMap<Position, (u64, u32)>,
    /// Number of samples since the last trigger.
    since: u64,
    /// For each of the last triggers within the tail, the number of samples since the trigger before it,
    /// and the last position that it covered in this partition.
    past: VecDeque<(u64, Option<Position>)>,
    /// Number of triggers so far.
    triggers: u64,
}

impl Held {
    /// Adds a sample at its own position.
    pub(super) fn enter(&mut self, position: Position, label: u32) {
        self.since += 1;
        self.samples.push_back((position, Some(label)));
    }

    /// Adds a sample whose label became known or changed after its position.
    pub(super) fn enter_late(&mut self, position: Position, label: u32) {
        self.leave(position);
        self.since += 1;
        self.late.insert(position, (self.triggers, label));
    }

    /// Removes a sample that was retracted, if it is within the tail.
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
            self.retracted += 1;
            // memory is freed when most samples are retracted.
            if self.retracted > 16 && self.retracted * 2 > self.samples.len() {
                self.samples.retain(|(_, label)| label.is_some());
                self.retracted = 0;
            }
        }
    }

    /// Removes all but the newest `most` samples. The caller ensures that no sample can be retracted.
    pub(super) fn trim(&mut self, most: usize) {
        while self.samples.len() - self.retracted > most {
            self.remove_first();
        }
    }

    /// Number of samples within the tail, including those that [`trim`](Self::trim) removed.
    pub(super) fn available(&self) -> u64 {
        self.since + self.past.iter().map(|(count, _)| count).sum::<u64>()
    }

    /// The samples within the tail with their labels, the newest first: those that entered at their
    /// positions, then those that entered late, at most `most` each.
    pub(super) fn newest(&self, most: usize) -> impl Iterator<Item = (Position, u32)> {
        let in_time = self.samples.iter().rev();
        let in_time = in_time.filter_map(|(position, label)| Some((*position, (*label)?)));
        let late = self.late.iter().rev().map(|(position, (_, label))| (*position, *label));
        in_time.take(most).chain(late.take(most))
    }

    /// Ends the period of a trigger and drops samples that later triggers with this `tail` cannot reach.
    pub(super) fn pass_trigger(&mut self, tail: usize) {
        let last = self.samples.back().map(|(position, _)| *position);
        self.past.push_back((std::mem::take(&mut self.since), last));
        self.triggers += 1;
        while self.past.len() > tail {
            let last = self.past.pop_front().and_then(|(_, last)| last);
            while self.samples.front().is_some_and(|(position, _)| Some(*position) <= last) {
                self.remove_first();
            }
        }
        let reached = self.triggers.saturating_sub(tail as u64);
        self.late.retain(|_, (trigger, _)| *trigger >= reached);
    }

    fn remove_first(&mut self) {
        if let Some((_, None)) = self.samples.pop_front() {
            self.retracted -= 1;
        }
    }
}
