//! Messages that wait for the frontier.

use std::collections::{BTreeMap, HashMap};

use crate::{Position, Record};

/// Samples that wait for their labels, and labels that wait for their samples.
#[derive(Default)]
pub(super) struct Waiting {
    /// Waits by their ends.
    due: BTreeMap<Position, Awaiting>,
    /// The end of the wait of each key.
    keys: HashMap<u128, Position>,
}

/// Samples that wait for their label, and labels that wait for their sample.
#[derive(Debug, PartialEq)]
pub(super) enum Awaiting {
    /// The sample of this key waits for a label.
    Label(u128),
    /// Labels of one key wait for a sample, the newest last.
    Sample(Vec<Record>),
}

impl Waiting {
    /// The sample of `key` waits for its label until `end`.
    pub(super) fn for_label(&mut self, key: u128, end: Position) {
        self.keys.insert(key, end);
        self.due.insert(end, Awaiting::Label(key));
    }

    /// A label waits for its sample until `end`, together with earlier labels of its key.
    pub(super) fn for_sample(&mut self, label: Record, end: Position) {
        let mut labels = match self.end(label.key) {
            Some(Awaiting::Sample(labels)) => labels,
            _ => Vec::new(),
        };
        labels.push(label);
        self.keys.insert(label.key, end);
        self.due.insert(end, Awaiting::Sample(labels));
    }

    /// Ends the wait of `key`.
    pub(super) fn end(&mut self, key: u128) -> Option<Awaiting> {
        if self.keys.is_empty() {
            return None;
        }
        let end = self.keys.remove(&key)?;
        self.due.remove(&end)
    }

    /// The next wait that ends before `end`; the next of all waits without `end`.
    pub(super) fn next_before(&mut self, end: Option<Position>) -> Option<(Position, Awaiting)> {
        let first = self.due.first_entry().filter(|entry| end.is_none_or(|end| *entry.key() < end));
        let (at, awaiting) = first?.remove_entry();
        match &awaiting {
            Awaiting::Label(key) => self.keys.remove(key),
            Awaiting::Sample(labels) => {
                labels.last().and_then(|label| self.keys.remove(&label.key))
            }
        };
        Some((at, awaiting))
    }

    /// The position at which the next wait ends.
    pub(super) fn first(&self) -> Option<Position> {
        self.due.keys().next().copied()
    }
}
