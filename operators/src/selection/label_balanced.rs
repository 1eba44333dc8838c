//! Selection with the same number of samples of each label.

use super::balance::{balanced, balanced_selection, most};
use super::draw::{propose_groups, rank, seed_of};
use super::pool::Sample;
use super::size::target;
use super::windowed::Draw;
use super::{Choice, Proposal, Ratio, Shares, Tail};

pub(super) const EXAMPLE: &str = "samples = 100";

balanced_selection! {
    /// A random choice in which every class has its fair share.
    ///
    /// ```text
    /// size = min(⌊ratio · available⌋, samples)
    /// of each class: min(s, its samples), s the largest share with which they are not more than size
    /// ```
    ///
    /// Small classes give all their samples, and their deficit is shared among the others
    /// ([`fair_share`](super::fair_share)). Within a class every choice is equally likely. The shares of
    /// the other classes are equal (`shares = "fair"`; the set may be smaller than the size by up to one
    /// sample per class), differ by at most one sample (`"full"`; the set has exactly the size), or equal
    /// that of the smallest class (`"equal"`).
    ///
    /// Memory: position, event time and label of each sample within the tail, 32 bytes.
    ///
    /// ```
    /// use driftmill_operators::{Change, Id, Position, Record, selection::*};
    /// let config = LabelBalanced { samples: 30.try_into().ok(), ..LabelBalanced::default() };
    /// let mut partition = config.init();
    /// for i in 0..100 {
    ///     // 5 samples of class 0, 95 of class 1.
    ///     let label = Some(u32::from(i >= 5));
    ///     let record = Record::new(Position::new(0, Id(i)), 0, 0, label);
    ///     partition.observe(&Change::insert(record));
    /// }
    /// let rows = config.combine(partition.propose(0)).rows;
    /// assert_eq!(rows.iter().filter(|row| row.label == 0).count(), 5);
    /// assert_eq!(rows.len(), 30);
    /// ```
    LabelBalanced, group: |sample| u64::from(sample.label)
}
