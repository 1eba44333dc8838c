//! A model of keyed changes that handles each key separately, without a dataflow.
use std::collections::BTreeMap;

use driftmill_operators::{Change, Kind, Position, Record};

/// The result of [`follows`].
#[derive(Default)]
pub(crate) struct Model {
    pub(crate) changes: Vec<Change>,
    pub(crate) unmatched: Vec<Change>,
}

/// The changes that result from `changes`, which may be in any order.
pub(crate) fn follows(changes: &[Change], wait: i64) -> Model {
    let mut keys: BTreeMap<u128, Vec<Change>> = BTreeMap::new();
    for change in changes {
        keys.entry(change.record.key).or_default().push(*change);
    }
    let mut model = Model::default();
    for mut history in keys.into_values() {
        history.sort_by_key(|change| change.at);
        model.add(&history, wait);
    }
    model.changes.sort_by_key(Change::order);
    model
        .unmatched
        .sort_by_key(|unmatched_label| (unmatched_label.at, unmatched_label.record.position));
    model
}

fn end_of(record: &Record, wait: i64) -> Position {
    Position::new(record.time + wait, record.position.id()).max(record.position)
}

impl Model {
    /// Handles one key: its samples, and the labels that wait between them.
    fn add(&mut self, history: &[Change], wait: i64) {
        let mut given = None;
        let mut rest = history;
        while !rest.is_empty() {
            let next = rest.iter().position(|change| change.kind == Kind::Insert);
            let (between, lives) = rest.split_at(next.unwrap_or(rest.len()));
            let waited = self.add_waiting(between, lives.first().map(|life| life.at), wait);
            given = waited.or(given);
            if lives.is_empty() {
                return;
            }
            let dies = |change: &Change| matches!(change.kind, Kind::Insert | Kind::Delete);
            let end = lives[1..].iter().position(dies).map_or(lives.len(), |end| end + 1);
            let end_of_life = lives.get(end);
            given = self.add_life(&lives[..end], end_of_life, given, wait);
            let deleted = end_of_life.is_some_and(|change| change.kind == Kind::Delete);
            if deleted {
                given = None;
            }
            rest = &lives[end..];
        }
    }

    /// Handles labels that arrive without a sample. Returns the label for the sample that ends their wait.
    fn add_waiting(
        &mut self,
        between: &[Change],
        end: Option<Position>,
        wait: i64,
    ) -> Option<Option<u32>> {
        let mut chain: Vec<Record> = Vec::new();
        let labels = between.iter().filter(|change| change.kind == Kind::Label);
        let nows = labels.map(Some).chain([None]);
        for label in nows {
            let now = label.map(|label| label.at).or(end);
            let due = chain.last().map(|label| end_of(label, wait));
            if let Some(at) = due.filter(|due| now.is_none_or(|now| *due < now)) {
                let unmatched_label = |record| Change { at, ..Change::new(Kind::Label, record) };
                self.unmatched.extend(chain.drain(..).map(unmatched_label));
            }
            match label {
                Some(label) if end_of(&label.record, wait) > label.at => chain.push(label.record),
                Some(label) => self.unmatched.push(*label),
                None => {}
            }
        }
        chain.last().map(|label| label.label)
    }

    /// Handles one sample until it is replaced or deleted. Returns the separate label that it leaves.
    fn add_life(
        &mut self,
        life: &[Change],
        death: Option<&Change>,
        given: Option<Option<u32>>,
        wait: i64,
    ) -> Option<Option<u32>> {
        let (born, labels) = (life[0], &life[1..]);
        let own = born.record.label;
        let inherited = if own.is_some() { None } else { given };
        let mut label = own.or(inherited.flatten());
        let mut leaves = inherited;
        let end = death.map(|death| death.at);
        let dead = |at: Position| end.is_some_and(|end| at > end);
        let due = end_of(&born.record, wait);
        let first = labels.iter().find(|label| label.record.label.is_some());
        let seen = match (label, first) {
            (Some(_), _) => born.at,
            (None, Some(first)) => due.min(first.at),
            (None, None) => due,
        };
        let record = |label| Record { label, ..born.record };
        for change in labels {
            let before = std::mem::replace(&mut label, change.record.label);
            leaves = Some(change.record.label);
            if change.at == seen {
                self.changes.push(Change { at: seen, ..Change::insert(record(label)) });
            } else if change.at > seen && before != label {
                let kind = Kind::Label;
                self.changes.push(Change { kind, at: change.at, record: record(label), before });
            }
        }
        if dead(seen) {
            return leaves;
        }
        if labels.iter().all(|change| change.at != seen) {
            let known = if seen == born.at { own.or(inherited.flatten()) } else { None };
            self.changes.push(Change { at: seen, ..Change::insert(record(known)) });
        }
        if let Some(death) = death {
            let kind = Kind::Retract;
            let retract = Change { kind, at: death.at, record: record(label), before: None };
            self.changes.push(retract);
            if death.kind == Kind::Delete {
                self.changes.push(Change { kind: Kind::Delete, ..retract });
            }
        }
        leaves
    }
}
