//! Reads the rows of a file in order, and compares each with the rows after it.

use std::collections::VecDeque;

use super::config::FileSource;
use super::rows::{Row, Rows};
use super::surroundings::{AFTER, Surroundings};
use crate::source::{Fetched, Progress, RawMessage, Reader, SourceError};

/// Reads rows up to an end.
pub(super) struct FileReader {
    source: FileSource,
    rows: Box<dyn Rows>,
    /// Rows that are decoded and not delivered yet.
    ahead: VecDeque<Row>,
    /// Memory for further rows.
    spare: Vec<Row>,
    surroundings: Surroundings,
    /// The next row to be delivered.
    next: u64,
    end: u64,
}

impl FileReader {
    /// Reads the rows from `next` to before `end`; `rows` continue at `next`.
    pub(super) fn new(source: &FileSource, rows: Box<dyn Rows>, next: u64, end: u64) -> Self {
        Self {
            source: source.clone(),
            rows,
            ahead: VecDeque::new(),
            spare: Vec::new(),
            surroundings: Surroundings::default(),
            next,
            end,
        }
    }

    /// Decodes enough rows after the next one for the comparison with it.
    fn look_ahead(&mut self) -> Result<(), SourceError> {
        let wanted = if self.source.time.is_some() { 1 + AFTER } else { 1 };
        while self.ahead.len() < wanted && self.next + (self.ahead.len() as u64) < self.end {
            let row = self.spare.pop();
            let mut row = row.unwrap_or_else(|| Row::new(self.source.row_schema()));
            if !self.rows.next(&mut row)? {
                self.end = self.next + self.ahead.len() as u64;
                break;
            }
            self.ahead.push_back(row);
        }
        Ok(())
    }
}

impl Reader for FileReader {
    fn poll(&mut self, _slot: usize, fetched: &mut Fetched<'_>) -> Result<Progress, SourceError> {
        for _ in 0..fetched.limit {
            self.look_ahead()?;
            let Some(row) = self.ahead.pop_front() else { return Ok(Progress::End) };
            let (offset, timestamp) = (self.next, self.source.time_of(self.next));
            self.next += 1;
            let raw = RawMessage { offset, timestamp, key: None, payload: &row.payload };
            let after = self.ahead.iter().filter_map(Row::time);
            let placed = row
                .time()
                .map(|time| self.surroundings.place(time, after, fetched.rules().max_ahead));
            match (row.decoded.clone(), placed) {
                (Err(error), _) => fetched.reject(raw, error),
                (Ok(()), Some(Err(ahead))) => fetched.reject(raw, ahead),
                (Ok(()), _) => {
                    fetched.columns.append(&row.columns);
                    fetched.accept(raw);
                }
            }
            self.spare.push(row);
        }
        Ok(Progress::More)
    }

    fn left(&self, _slot: usize) -> Option<u64> {
        Some(self.end.saturating_sub(self.next))
    }
}
