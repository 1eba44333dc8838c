//! A cache of model outputs.

use std::collections::HashMap;

use driftmill_operators::{Id, Matrix};

/// Maximum number of values in one of the two generations: 64 MiB.
const GENERATION: usize = 16 << 20;

/// The overhead of a row, in values: the entry of a table.
const ENTRY: usize = 8;

/// The outputs of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::train) enum Head {
    /// The embedding: the input of the last layer.
    Features,
    /// One score per class.
    Logits,
    /// Features, then scores.
    Both,
}

/// Model outputs, computed once per sample and shared by policies and the evaluation.
///
/// When the newer generation is full, it replaces the older one, which is dropped. Recent outputs are
/// therefore always cached.
#[derive(Default)]
pub(in crate::train) struct OutputCache {
    recent: Generation,
    old: Generation,
}

#[derive(Default)]
struct Generation {
    /// The tables by outputs and digest of the weights.
    tables: HashMap<(Head, String), Table>,
    size: usize,
}

#[derive(Default)]
struct Table {
    /// The start of the row of each sample.
    rows: HashMap<Id, usize>,
    values: Vec<f32>,
    cols: usize,
}

/// The cached outputs of some samples.
pub(in crate::train) struct Found {
    /// For each sample, whether its outputs are cached.
    known: Vec<bool>,
    /// The rows of cached outputs, in order.
    values: Vec<f32>,
}

impl OutputCache {
    /// The cached outputs of `ids`.
    pub(in crate::train) fn find(&mut self, head: Head, sha256: &str, ids: &[Id]) -> Found {
        let about = (head, sha256.to_owned());
        let mut found = Found { known: Vec::with_capacity(ids.len()), values: Vec::new() };
        let [recent, old] =
            [&self.recent, &self.old].map(|generation| generation.tables.get(&about));
        let mut again = Vec::new();
        for id in ids {
            let row = recent.and_then(|table| table.row(*id)).or_else(|| {
                let row = old?.row(*id)?;
                again.push((*id, row.to_vec()));
                Some(row)
            });
            found.known.push(row.is_some());
            found.values.extend_from_slice(row.unwrap_or_default());
        }
        for (id, row) in again {
            self.recent.add(&about, id, &row);
        }
        found
    }

    /// Caches one row for each of `ids`.
    pub(in crate::train) fn remember(
        &mut self,
        head: Head,
        sha256: &str,
        ids: &[Id],
        rows: &Matrix,
    ) {
        let about = (head, sha256.to_owned());
        for (row, id) in ids.iter().enumerate() {
            self.recent.add(&about, *id, rows.row(row));
            if self.recent.size > GENERATION {
                self.old = std::mem::take(&mut self.recent);
            }
        }
    }
}

impl Generation {
    fn add(&mut self, about: &(Head, String), id: Id, row: &[f32]) {
        if !self.tables.contains_key(about) {
            self.tables.insert(about.clone(), Table::default());
        }
        if let Some(table) = self.tables.get_mut(about)
            && !table.rows.contains_key(&id)
        {
            table.cols = row.len();
            table.rows.insert(id, table.values.len());
            table.values.extend_from_slice(row);
            self.size += row.len() + ENTRY;
        }
    }
}

impl Table {
    fn row(&self, id: Id) -> Option<&[f32]> {
        let start = *self.rows.get(&id)?;
        Some(&self.values[start..start + self.cols])
    }
}

impl Found {
    /// Those of `ids` without cached outputs, in order.
    pub(in crate::train) fn unknown(&self, ids: &[Id]) -> Vec<Id> {
        let unknown = ids.iter().zip(&self.known).filter(|(_, known)| !**known);
        unknown.map(|(id, _)| *id).collect()
    }

    /// All rows. `fresh` are the rows of samples without cached outputs.
    pub(in crate::train) fn with(self, fresh: Matrix) -> Matrix {
        let known = self.known.iter().filter(|known| **known).count();
        if known == 0 {
            return fresh;
        }
        let cols = self.values.len() / known;
        let (mut old, mut new) = (self.values.chunks(cols), 0..fresh.rows());
        let mut values = Vec::with_capacity(self.known.len() * cols);
        for known in self.known {
            let row = if known { old.next() } else { new.next().map(|row| fresh.row(row)) };
            values.extend_from_slice(row.expect("each sample is known or fresh"));
        }
        Matrix::new(cols, values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(ids: std::ops::Range<u64>, cols: usize) -> (Vec<Id>, Matrix) {
        let values = ids.clone().flat_map(|id| vec![id as f32; cols]).collect();
        (ids.map(Id).collect(), Matrix::new(cols, values))
    }

    #[test]
    fn known_and_fresh_rows_come_in_the_order_asked() {
        let mut answers = OutputCache::default();
        let (ids, matrix) = rows(0..4, 3);
        answers.remember(Head::Logits, "a", &ids, &matrix);
        let asked = [Id(9), Id(2), Id(8), Id(2), Id(0)];
        let found = answers.find(Head::Logits, "a", &asked);
        assert_eq!(found.unknown(&asked), [Id(9), Id(8)]);
        let fresh = Matrix::new(3, [[9.0; 3], [8.0; 3]].concat());
        let all = found.with(fresh);
        let firsts: Vec<f32> = (0..all.rows()).map(|row| all.row(row)[0]).collect();
        assert_eq!((all.cols(), firsts), (3, vec![9.0, 2.0, 8.0, 2.0, 0.0]));
        // other outputs and other weights are cached separately.
        assert_eq!(answers.find(Head::Features, "a", &asked).unknown(&asked), asked);
        assert_eq!(answers.find(Head::Logits, "b", &asked).unknown(&asked), asked);
    }

    #[test]
    fn rows_that_are_requested_again_outlive_others() {
        let mut answers = OutputCache::default();
        let cols = 56;
        let fills = (GENERATION / (cols + ENTRY) + 1) as u64;
        let (first, matrix) = rows(0..2, cols);
        answers.remember(Head::Features, "a", &first, &matrix);
        let (ids, matrix) = rows(2..fills, cols);
        answers.remember(Head::Features, "a", &ids, &matrix);
        assert!(answers.find(Head::Features, "a", &first[..1]).unknown(&first[..1]).is_empty());
        let (ids, matrix) = rows(fills..2 * fills, cols);
        answers.remember(Head::Features, "a", &ids, &matrix);
        assert_eq!(answers.find(Head::Features, "a", &first).unknown(&first), [Id(1)]);
    }
}
