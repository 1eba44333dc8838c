//! A queue of ordered changes.

use std::collections::VecDeque;
use std::rc::Rc;

use crate::Change;

/// Ordered changes that wait to be evaluated, in slices of their batches.
#[derive(Default)]
pub(super) struct Queue {
    batches: VecDeque<Rc<Vec<Change>>>,
    /// Number of changes of the first batch that have been processed.
    passed: usize,
}

impl Queue {
    pub(super) fn push(&mut self, batch: Rc<Vec<Change>>) {
        if !batch.is_empty() {
            self.batches.push_back(batch);
        }
    }

    /// The rest of the first batch; empty without a batch.
    pub(super) fn rest(&self) -> &[Change] {
        self.batches.front().map_or(&[], |batch| &batch[self.passed..])
    }

    /// Whether no change of the first batch has been processed.
    pub(super) fn between_batches(&self) -> bool {
        self.passed == 0
    }

    /// Drops the first `count` changes of [`rest`](Self::rest).
    pub(super) fn pass(&mut self, count: usize) {
        self.passed += count;
        if self.batches.front().is_some_and(|batch| self.passed == batch.len()) {
            self.batches.pop_front();
            self.passed = 0;
        }
    }
}

/// The first `most` changes, and all others at the position of the last of them. Changes at one position
/// are always shown together.
pub(super) fn whole(changes: &[Change], most: usize) -> &[Change] {
    let Some(last) = most.checked_sub(1).and_then(|last| changes.get(last)) else {
        return &changes[..changes.len().min(most)];
    };
    let same = changes[most..].iter().take_while(|change| change.at == last.at).count();
    &changes[..most + same]
}
