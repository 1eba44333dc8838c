//! The reference window and the current window of a trigger.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::Item;
use crate::Id;

/// The size limit of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Limit {
    /// This number of the newest samples.
    Amount(usize),
    /// Samples at most this number of milliseconds older than the newest, both ends included.
    Millis(i64),
}

impl Limit {
    /// Removes the samples beyond the limit at time `now` from `items` and returns them, oldest first.
    fn overflow(self, items: &mut VecDeque<Item>, now: i64) -> impl Iterator<Item = Item> {
        let surplus = match self {
            Self::Amount(most) => items.len().saturating_sub(most),
            Self::Millis(length) => {
                let oldest = now.saturating_sub(length);
                items.iter().position(|(time, _)| *time >= oldest).unwrap_or(items.len())
            }
        };
        items.drain(..surplus)
    }
}

/// A reference and a current window over one ordered stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Windows {
    reference_limit: Limit,
    current_limit: Limit,
    overlap: bool,
    reference: VecDeque<Item>,
    /// Samples newer than the reference and older than the current window; with overlap, all samples since
    /// the last training.
    reservoir: VecDeque<Item>,
    current: VecDeque<Item>,
}

impl Windows {
    /// Creates empty windows. With `overlap` the current window keeps its samples after a training.
    pub fn new(reference: Limit, current: Limit, overlap: bool) -> Self {
        Self {
            reference_limit: reference,
            current_limit: current,
            overlap,
            reference: VecDeque::new(),
            reservoir: VecDeque::new(),
            current: VecDeque::new(),
        }
    }

    /// Samples of the distribution that the newest model was trained on, oldest first.
    pub fn reference(&self) -> &VecDeque<Item> {
        &self.reference
    }

    /// The newest samples, oldest first.
    pub fn current(&self) -> &VecDeque<Item> {
        &self.current
    }

    /// All samples that are in a window or may still enter one.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.reference.iter().chain(&self.reservoir).chain(&self.current)
    }

    /// Adds new samples, in the order of the stream.
    pub fn observe(&mut self, items: &[Item]) {
        let Some((now, _)) = items.last().copied() else { return };
        self.current.extend(items);
        let fallen = self.current_limit.overflow(&mut self.current, now);
        if self.overlap {
            drop(fallen);
            self.reservoir.extend(items);
        } else {
            self.reservoir.extend(fallen);
        }
        self.trim_reservoir(now);
    }

    /// Moves the samples since the last training into the reference, after a version has been trained.
    pub fn trained(&mut self) {
        self.reference.append(&mut self.reservoir);
        if !self.overlap {
            self.reference.append(&mut self.current);
        }
        if let Some((newest, _)) = self.reference.back().copied() {
            drop(self.reference_limit.overflow(&mut self.reference, newest));
        }
    }

    /// Removes a sample that was retracted.
    pub fn retract(&mut self, id: Id) {
        for items in [&mut self.current, &mut self.reservoir, &mut self.reference] {
            if let Some(at) = items.iter().rposition(|(_, held)| *held == id) {
                items.remove(at);
            }
        }
    }

    /// Keeps the samples of the reservoir that can still enter the reference next to the current window.
    fn trim_reservoir(&mut self, now: i64) {
        let limit = match self.reference_limit {
            Limit::Amount(most) if !self.overlap => {
                Limit::Amount(most.saturating_sub(self.current.len()))
            }
            limit => limit,
        };
        drop(limit.overflow(&mut self.reservoir, now));
    }
}
