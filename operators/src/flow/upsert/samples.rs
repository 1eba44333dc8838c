//! The samples of keys and their changes.

use std::collections::HashMap;

use super::table::{Held, Label, Table};
use super::waiting::{Awaiting, Waiting};
use crate::{Change, Kind, Position, Record, Span};

/// The newest sample of each key, and the changes that follow from each change of the stream.
///
/// The result is a pure function of the ordered changes.
pub(super) struct Samples {
    table: Table,
    /// Own event times of late samples. The event time of all other samples is the time of their position.
    late: HashMap<u128, i64>,
    waiting: Waiting,
    label_wait: i64,
    /// Labels whose wait has ended without a sample since this list was last emptied.
    pub(super) unmatched: Vec<Change>,
}

impl Samples {
    pub(super) fn new(label_wait: Span) -> Self {
        Self {
            table: Table::new(),
            late: HashMap::new(),
            waiting: Waiting::default(),
            label_wait: label_wait.millis(),
            unmatched: Vec::new(),
        }
    }

    /// Prefetches the entries of `changes`, which are applied next.
    pub(super) fn approach(&self, changes: &[Change]) {
        self.table.approach(changes.iter().map(|change| change.record.key));
    }

    /// The changes that result from `change`. All waits that end before it have ended.
    pub(super) fn apply(&mut self, change: &Change, out: &mut impl FnMut(Change)) {
        match change.kind {
            Kind::Insert => self.insert(change.record, out),
            Kind::Delete => self.delete(change.record, out),
            Kind::Label => self.label(change, out),
            // no operator before this one retracts samples.
            Kind::Retract => out(*change),
        }
    }

    /// Ends all waits that end before `end`, or all waits without `end`.
    pub(super) fn pass(&mut self, end: Option<Position>, out: &mut impl FnMut(Change)) {
        while let Some((at, awaiting)) = self.waiting.next_before(end) {
            match awaiting {
                Awaiting::Label(key) => {
                    let held = self.table.get(key).expect("what waits is in the table");
                    let record = self.record(key, held);
                    out(Change { at, ..Change::insert(record) });
                }
                Awaiting::Sample(labels) => {
                    let unmatched_label =
                        |record| Change { at, ..Change::new(Kind::Label, record) };
                    self.unmatched.extend(labels.into_iter().map(unmatched_label));
                }
            }
        }
    }

    /// The position at which the next wait ends.
    pub(super) fn next_end(&self) -> Option<Position> {
        self.waiting.first()
    }

    fn insert(&mut self, record: Record, out: &mut impl FnMut(Change)) {
        let (key, at) = (record.key, record.position);
        let before = self.table.get(key);
        let awaiting = self.waiting.end(key);
        if let Some(held) = before
            && awaiting.is_none()
        {
            let record = self.record(key, held);
            out(Change { kind: Kind::Retract, at, record, before: None });
        }
        let label = match (record.label, awaiting) {
            (Some(class), _) => Label::own(Some(class)),
            (None, Some(Awaiting::Sample(labels))) => {
                Label::given(labels.last().and_then(|label| label.label))
            }
            // a label that arrived separately applies to its key until the next label.
            (None, _) => Label::given(before.and_then(|held| held.label.class_given())),
        };
        self.set(&record, label);
        let end = self.end_of(&record);
        match label.class() {
            None if end > at => self.waiting.for_label(key, end),
            class => out(Change::insert(Record { label: class, ..record })),
        }
    }

    fn delete(&mut self, deletion: Record, out: &mut impl FnMut(Change)) {
        let key = deletion.key;
        let Some(held) = self.table.remove(key) else { return };
        let record = self.record(key, held);
        self.late.remove(&key);
        if self.waiting.end(key).is_none() {
            let at = deletion.position;
            out(Change { kind: Kind::Retract, at, record, before: None });
            out(Change { kind: Kind::Delete, at, record, before: None });
        }
    }

    fn label(&mut self, change: &Change, out: &mut impl FnMut(Change)) {
        let Change { at, record: label, .. } = *change;
        let Some(held) = self.table.get(label.key) else {
            let end = self.end_of(&label);
            if end > at {
                self.waiting.for_sample(label, end);
            } else {
                self.unmatched.push(*change);
            }
            return;
        };
        self.table.set(label.key, Held { label: Label::given(label.label), ..held });
        let before = held.label.class();
        if before == label.label {
            return;
        }
        let record = Record { label: label.label, ..self.record(label.key, held) };
        if self.waiting.end(label.key).is_some() {
            out(Change { at, ..Change::insert(record) });
        } else {
            out(Change { kind: Kind::Label, at, record, before });
        }
    }

    fn set(&mut self, record: &Record, label: Label) {
        self.table.set(record.key, Held { position: record.position, label });
        if record.time != record.position.time() {
            self.late.insert(record.key, record.time);
        } else if !self.late.is_empty() {
            self.late.remove(&record.key);
        }
    }

    fn record(&self, key: u128, held: Held) -> Record {
        let late = if self.late.is_empty() { None } else { self.late.get(&key).copied() };
        Record::new(
            held.position,
            key,
            late.unwrap_or_else(|| held.position.time()),
            held.label.class(),
        )
    }

    /// The position at which the wait of a sample or label ends: its event time + `label_wait`.
    fn end_of(&self, record: &Record) -> Position {
        let end = record.time.saturating_add(self.label_wait);
        Position::new(end, record.position.id()).max(record.position)
    }
}
