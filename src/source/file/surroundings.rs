//! Rejects event times that are far ahead of those of the rows around them.

use std::collections::VecDeque;

use driftmill_operators::Span;

use crate::source::InvalidReason;

/// Number of rows before a row that it is compared with.
const BEFORE: usize = 8;

/// Number of rows after a row that it is compared with.
pub(super) const AFTER: usize = 8;

/// A row may be ahead by this multiple of the largest gap between the rows around it.
const GAPS: i64 = 10;

/// The last row may be ahead by this multiple of `max_ahead`: no row after it can confirm a pause.
const LAST: i64 = 30;

/// The rows of a file before the next one.
///
/// A row is compared with the same number of rows before and after it. Their upper median is `r`, so
/// that in the first rows after a pause `r` is after the pause, too. `g` is the largest gap between the
/// times up to `r`. A row is rejected if
///
/// ```text
/// time − r  >  max(max_ahead, 10 · g)
/// ```
///
/// The first row is compared with those after it. The last one is compared with the latest before it, and
/// may be thirty times as far ahead. A rejected row is not compared with others. The result depends on
/// the file alone.
#[derive(Default)]
pub(super) struct Surroundings {
    /// Times of the last accepted rows, the newest last.
    before: VecDeque<i64>,
}

impl Surroundings {
    /// Compares the next row, at `time` and followed by rows at `after`.
    ///
    /// # Errors
    /// [`InvalidReason::Time`] when it is too far ahead.
    pub(super) fn place(
        &mut self,
        time: i64,
        after: impl Iterator<Item = i64>,
        max_ahead: Span,
    ) -> Result<(), InvalidReason> {
        let after: Vec<i64> = after.take(AFTER).collect();
        if let Some((reference, limit)) = self.limit(&after, max_ahead.millis())
            && time.saturating_sub(reference) > limit
        {
            let ahead = Span::from_millis(time.saturating_sub(reference));
            let bound = format!("{ahead} ahead of the rows around it (`order.max_ahead`)");
            return Err(InvalidReason::Time { time, bound });
        }
        if self.before.len() == BEFORE {
            self.before.pop_front();
        }
        self.before.push_back(time);
        Ok(())
    }

    /// The time that a row is compared with, and how far ahead of it the row may be.
    fn limit(&self, after: &[i64], max_ahead: i64) -> Option<(i64, i64)> {
        let before = || self.before.iter().rev().copied();
        let both = self.before.len().min(after.len());
        let mut around: Vec<i64> = match (self.before.is_empty(), after.is_empty()) {
            (true, _) => after.to_vec(),
            (false, true) => before().collect(),
            (false, false) => before().take(both).chain(after[..both].iter().copied()).collect(),
        };
        around.sort_unstable();
        let (middle, factor) = if after.is_empty() {
            (around.len().checked_sub(1)?, LAST)
        } else {
            (around.len() / 2, 1)
        };
        let gaps = around[..=middle].windows(2).map(|pair| pair[1].saturating_sub(pair[0]));
        let gap = gaps.max().unwrap_or(0);
        let limit = max_ahead.saturating_mul(factor).max(gap.saturating_mul(GAPS));
        Some((around[middle], limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000;

    /// The rows that are rejected.
    fn refused(times: &[i64]) -> Vec<usize> {
        let mut surroundings = Surroundings::default();
        let mut refused = Vec::new();
        for (row, time) in times.iter().enumerate() {
            let after = times[row + 1..].iter().copied();
            if surroundings.place(*time, after, Span::from_millis(DAY)).is_err() {
                refused.push(row);
            }
        }
        refused
    }

    fn seconds(rows: i64) -> Vec<i64> {
        (0..rows).map(|row| 1_700_000_000_000 + 1000 * row).collect()
    }

    #[test]
    fn a_sentinel_is_rejected_in_any_row() {
        for sentinel in [253_402_214_400_000, 1_700_000_000_000_000, i64::MAX] {
            for row in 0..40 {
                let mut times = seconds(40);
                times[row] = sentinel;
                assert_eq!(refused(&times), [row], "{sentinel}");
            }
            let mut times = seconds(40);
            times[10] = sentinel;
            times[12] = sentinel;
            assert_eq!(refused(&times), [10, 12]);
        }
    }

    #[test]
    fn pauses_and_wide_steps_are_not_sentinels() {
        for pause_at in 1..40 {
            let pause = |(row, time)| if row < pause_at { time } else { time + 2 * DAY };
            let times: Vec<i64> = seconds(40).into_iter().enumerate().map(pause).collect();
            assert_eq!(refused(&times), [0; 0], "a pause before row {pause_at}");
        }
        let weekly: Vec<i64> = (0..40).map(|row| 7 * DAY * row).collect();
        assert_eq!(refused(&weekly), [0; 0]);
        assert_eq!(refused(&[i64::MIN, 0, 1, 2]), [0; 0]);
        assert_eq!(refused(&[5]), [0; 0]);
    }
}
