//! Selection with the same number of samples of each trigger.

use super::balance::{balanced, balanced_selection, most};
use super::draw::{propose_groups, rank, seed_of};
use super::pool::Sample;
use super::size::target;
use super::windowed::Draw;
use super::{Choice, Proposal, Ratio, Shares, Tail};

pub(super) const EXAMPLE: &str = "samples = 100";

balanced_selection! {
    /// A random choice in which the samples of every trigger have their fair share. Earlier periods have
    /// the same weight as the latest one, whatever their numbers of samples.
    ///
    /// ```text
    /// size = min(⌊ratio · available⌋, samples)
    /// of each trigger: min(s, its samples), s the largest share with which they are not more than size
    /// ```
    ///
    /// A sample belongs to the first trigger that covered it with its label. Triggers with few samples give
    /// all their samples, and their deficit is shared among the others ([`fair_share`](super::fair_share)).
    /// Within a trigger every choice is equally likely. `shares` is as in
    /// [`LabelBalanced`](super::LabelBalanced).
    ///
    /// Memory: position, event time, label and trigger of each sample within the tail, 32 bytes.
    ///
    /// ```
    /// use driftmill_operators::{Change, Id, Position, Record, selection::*};
    /// let config = TriggerBalanced { samples: 20.try_into().ok(), ..TriggerBalanced::default() };
    /// let mut partition = config.init();
    /// for i in 0..1000 {
    ///     let record = Record::new(Position::new(0, Id(i)), 0, 0, Some(1));
    ///     partition.observe(&Change::insert(record));
    ///     if i == 989 {
    ///         partition.propose(0);
    ///     }
    /// }
    /// // 990 samples and 10.
    /// let rows = config.combine(partition.propose(1)).rows;
    /// assert_eq!(rows.iter().filter(|row| row.id() < Id(990)).count(), 10);
    /// assert_eq!(rows.len(), 20);
    /// ```
    TriggerBalanced, group: |sample| u64::from(sample.mark)
}
