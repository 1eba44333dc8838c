//! The pool of samples from which a selection chooses.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{Change, Id, Kind, Position};

/// The mark of a sample that was retracted.
const RETRACTED: u32 = u32::MAX;

/// A labelled sample as policies keep it: 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Sample {
    pub(super) position: Position,
    /// Its own event time, in milliseconds.
    pub(super) time: i64,
    pub(super) label: u32,
    /// The policy's mark of the sample.
    pub(super) mark: u32,
}

/// The effect of a change on a set of labelled samples.
pub(super) enum Effect {
    /// The sample enters with this label. An earlier entry of the sample is removed.
    Enters(u32),
    /// The sample leaves.
    Leaves,
    Nothing,
}

impl Effect {
    pub(super) fn of(change: &Change) -> Self {
        match (change.kind, change.record.label) {
            (Kind::Insert | Kind::Label, Some(label)) => Self::Enters(label),
            (Kind::Retract, _) | (Kind::Label, None) => Self::Leaves,
            (Kind::Insert, None) | (Kind::Delete, _) => Self::Nothing,
        }
    }
}

/// The labelled samples of one partition.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Pool {
    /// Samples in the order of positions.
    samples: Vec<Sample>,
    /// The number of retracted samples.
    retracted: usize,
    /// Samples that entered out of order, when their labels arrived.
    late: BTreeMap<Position, Sample>,
}

impl Pool {
    /// Observes a change. A sample that enters gets this mark.
    pub(super) fn observe(&mut self, change: &Change, mark: u32) {
        let record = &change.record;
        match Effect::of(change) {
            Effect::Enters(label) => {
                let (position, time) = (record.position, record.time);
                self.enter(Sample { position, time, label, mark });
            }
            Effect::Leaves => {
                self.leave(record.position);
            }
            Effect::Nothing => {}
        }
    }

    fn enter(&mut self, sample: Sample) {
        if self.samples.last().is_none_or(|last| last.position < sample.position) {
            // a sample that entered late may be after all others.
            self.late.remove(&sample.position);
            return self.samples.push(sample);
        }
        self.leave(sample.position);
        self.late.insert(sample.position, sample);
        if self.late.len() > 1024 && self.late.len() * 8 > self.samples.len() {
            self.settle();
        }
    }

    /// Removes a sample that was retracted. Returns whether it was there.
    pub(super) fn leave(&mut self, position: Position) -> bool {
        if self.late.remove(&position).is_some() {
            return true;
        }
        let found = self.samples.binary_search_by_key(&position, |sample| sample.position);
        let Some(at) = found.ok().filter(|at| self.samples[*at].mark != RETRACTED) else {
            return false;
        };
        self.samples[at].mark = RETRACTED;
        self.retracted += 1;
        // memory is freed when most samples are retracted.
        if self.retracted > 16 && self.retracted * 2 > self.samples.len() {
            self.settle();
        }
        true
    }

    /// Puts all samples in order and returns them.
    pub(super) fn settle(&mut self) -> &mut [Sample] {
        if self.retracted > 0 {
            self.samples.retain(|sample| sample.mark != RETRACTED);
            self.retracted = 0;
        }
        if !self.late.is_empty() {
            self.samples.extend(std::mem::take(&mut self.late).into_values());
            // the sort is stable, and both runs are already in order.
            self.samples.sort_by_key(|sample| sample.position);
        }
        &mut self.samples
    }

    /// Removes all samples for which `keep` is false.
    pub(super) fn retain(&mut self, keep: impl Fn(&Sample) -> bool) {
        self.settle();
        self.samples.retain(keep);
    }

    /// Removes all samples and returns them in order.
    pub(super) fn drain(&mut self) -> Vec<Sample> {
        self.settle();
        std::mem::take(&mut self.samples)
    }

    /// Marks the samples with these ids.
    pub(super) fn mark(&mut self, ids: &[Id], mark: u32) {
        let wanted = Ids::new(ids, self.samples.len());
        for sample in self.settle().iter_mut().filter(|sample| wanted.contain(sample.position)) {
            sample.mark = mark;
        }
    }

    /// Visits the ids of all samples.
    pub(super) fn retained_samples(&self, visit: &mut dyn FnMut(Id)) {
        let there = self.samples.iter().filter(|sample| sample.mark != RETRACTED);
        there.chain(self.late.values()).for_each(|sample| visit(sample.position.id()));
    }
}

/// A set of ids with fast lookup. The ids of a partition are close together.
enum Ids {
    Dense { first: u64, bits: Vec<u64> },
    Sparse(BTreeSet<u64>),
}

impl Ids {
    fn new(ids: &[Id], among: usize) -> Self {
        let ends = ids.iter().min().zip(ids.iter().max());
        let (first, last) = ends.map_or((0, 0), |(first, last)| (first.0, last.0));
        if last - first > 64 * (among as u64 + 64) {
            return Self::Sparse(ids.iter().map(|id| id.0).collect());
        }
        let mut bits = vec![0u64; ((last - first) / 64 + 1) as usize];
        ids.iter().map(|id| id.0 - first).for_each(|at| bits[(at / 64) as usize] |= 1 << (at % 64));
        Self::Dense { first, bits }
    }

    fn contain(&self, position: Position) -> bool {
        let id = position.id().0;
        match self {
            Self::Sparse(ids) => ids.contains(&id),
            Self::Dense { first, bits } => id.checked_sub(*first).is_some_and(|at| {
                bits.get((at / 64) as usize).is_some_and(|bits| bits >> (at % 64) & 1 == 1)
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Position, Record};

    fn change(kind: Kind, offset: u64, label: Option<u32>) -> Change {
        let time = offset as i64;
        let record = Record::new(Position::new(time, Id(offset)), 0, time, label);
        Change::new(kind, record)
    }

    fn offsets(pool: &mut Pool) -> Vec<(u64, u32, u32)> {
        let all = pool.settle().iter();
        all.map(|sample| (sample.position.id().0, sample.label, sample.mark)).collect()
    }

    #[test]
    fn samples_enter_late_and_leave() {
        let mut pool = Pool::default();
        for offset in [1, 2, 4, 5] {
            pool.observe(&change(Kind::Insert, offset, Some(0)), 7);
        }
        pool.observe(&change(Kind::Insert, 6, None), 7);
        pool.observe(&change(Kind::Label, 3, Some(1)), 8);
        pool.observe(&change(Kind::Label, 2, Some(1)), 8);
        pool.observe(&change(Kind::Retract, 4, None), 8);
        pool.observe(&change(Kind::Label, 5, None), 8);
        let expected = [(1, 0, 7), (2, 1, 8), (3, 1, 8)];
        let mut seen = Vec::new();
        pool.retained_samples(&mut |id| seen.push(id.0));
        assert_eq!(seen, [1, 2, 3]);
        assert_eq!(offsets(&mut pool), expected);
        pool.observe(&change(Kind::Label, 6, Some(2)), 9);
        pool.mark(&[Id(1), Id(6), Id(99)], 3);
        assert_eq!(offsets(&mut pool), [(1, 0, 3), (2, 1, 8), (3, 1, 8), (6, 2, 3)]);
        pool.mark(&[Id(2), Id(u64::MAX)], 4);
        assert_eq!(offsets(&mut pool)[1], (2, 1, 4));
    }

    #[test]
    fn memory_of_retracted_samples_is_freed() {
        let mut pool = Pool::default();
        (0..10_000).for_each(|i| pool.observe(&change(Kind::Insert, i, Some(0)), 0));
        (0..9_990).for_each(|i| pool.observe(&change(Kind::Retract, i, None), 0));
        assert!(pool.samples.len() < 40);
        (0..9_990).for_each(|i| pool.observe(&change(Kind::Label, i, Some(0)), 0));
        assert_eq!(offsets(&mut pool).len(), 10_000);
    }
}
