//! The division of a budget among classes and blocks.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::{Budget, Chosen, SampleScores};

/// Whether each class is chosen from by itself, and how much of it.
///
/// What is left of a budget by rounding goes to single classes: where a class is owed most, of those
/// owed as much to the one of the lowest label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Balance {
    /// All classes together.
    #[default]
    None,
    /// As much of each class; of a class that has less, everything.
    FairShare,
    /// Of each class the same ratio, but at least one sample where the budget allows it.
    Proportional,
}

impl Balance {
    /// The default of policies that would else choose of one class alone.
    pub(super) fn proportional() -> Self {
        Self::Proportional
    }

    /// Whether labels must be known.
    pub(super) fn needs_labels(self) -> bool {
        self != Self::None
    }

    /// What `each` chooses of each class, and within it of each block of about as many samples as
    /// `block` says, in the order of candidates.
    pub(super) fn choose(
        self,
        block: Option<NonZeroUsize>,
        given: &SampleScores,
        budget: Budget,
        each: impl Fn(&SampleScores, Budget) -> Vec<Chosen>,
    ) -> Vec<Chosen> {
        let parts = self.parts(block, given, budget.size);
        if let [(_, size)] = &parts[..] {
            return each(given, Budget { size: *size, ..budget });
        }
        let mut chosen = Vec::new();
        for (rows, size) in parts {
            if size == rows.len() {
                chosen.extend(rows.into_iter().map(Chosen::plain));
            } else if size > 0 {
                let part = each(&given.part(&rows), Budget { size, ..budget });
                chosen.extend(part.into_iter().map(|c| Chosen { index: rows[c.index], ..c }));
            }
        }
        chosen
    }

    /// Rows that are chosen from together, and how many are chosen of them.
    fn parts(
        self,
        block: Option<NonZeroUsize>,
        given: &SampleScores,
        size: usize,
    ) -> Vec<(Vec<usize>, usize)> {
        let mut classes: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for row in 0..given.samples {
            let label = given.labels.as_ref().filter(|_| self.needs_labels()).map(|all| all[row]);
            classes.entry(label.unwrap_or_default()).or_default().push(row);
        }
        let classes: Vec<Vec<usize>> = classes.into_values().collect();
        let counts: Vec<usize> = classes.iter().map(Vec::len).collect();
        let sizes = match self {
            Self::FairShare => fair_share(size, &counts),
            Self::None | Self::Proportional => proportional(size, &counts),
        };
        let blocks = |(rows, size): (Vec<usize>, usize)| {
            let count = block.map_or(1, |block| rows.len().div_ceil(block.get()));
            let length = rows.len().div_ceil(count);
            let blocks: Vec<Vec<usize>> = rows.chunks(length).map(<[usize]>::to_vec).collect();
            let counts: Vec<usize> = blocks.iter().map(Vec::len).collect();
            blocks.into_iter().zip(proportional(size, &counts))
        };
        classes.into_iter().zip(sizes).flat_map(blocks).collect()
    }
}

/// The greatest share such that no class gives more than it has; what is left by rounding goes to the
/// first classes that have more.
fn fair_share(size: usize, counts: &[usize]) -> Vec<usize> {
    let mut ascending: Vec<usize> = (0..counts.len()).collect();
    ascending.sort_by_key(|class| counts[*class]);
    let (mut left, mut share) = (size.min(counts.iter().sum()), 0);
    for (passed, class) in ascending.iter().enumerate() {
        share = left / (counts.len() - passed);
        if counts[*class] > share {
            break;
        }
        left -= counts[*class];
    }
    let mut sizes: Vec<usize> = counts.iter().map(|count| share.min(*count)).collect();
    let mut left = size.min(counts.iter().sum()) - sizes.iter().sum::<usize>();
    for (size, count) in sizes.iter_mut().zip(counts) {
        let more = left.min(usize::from(*size < *count));
        (*size, left) = (*size + more, left - more);
    }
    sizes
}

/// Whole numbers in the ratio of `counts`, by largest remainders; where the size allows it none is 0.
fn proportional(size: usize, counts: &[usize]) -> Vec<usize> {
    let total: usize = counts.iter().sum();
    let exact = |count: usize| size.min(total) as u128 * count as u128;
    let total = total.max(1) as u128;
    let least = usize::from(size >= counts.len());
    let floor = |count: &usize| ((exact(*count) / total) as usize).max(least);
    let mut sizes: Vec<usize> = counts.iter().map(floor).collect();
    // how much more, or less if negative, a class should have.
    let owed = |sizes: &[usize], class: usize| {
        exact(counts[class]) as i128 - (sizes[class] as u128 * total) as i128
    };
    let mut sum: usize = sizes.iter().sum();
    while sum < size.min(total as usize) {
        let open = (0..counts.len()).filter(|class| sizes[*class] < counts[*class]);
        let Some(most) = open.rev().max_by_key(|class| owed(&sizes, *class)) else { break };
        sizes[most] += 1;
        sum += 1;
    }
    while sum > size {
        let open = (0..counts.len()).filter(|class| sizes[*class] > least);
        let Some(most) = open.min_by_key(|class| owed(&sizes, *class)) else { break };
        sizes[most] -= 1;
        sum -= 1;
    }
    sizes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fair_share_is_as_much_of_each_class_as_there_is() {
        let fair = |size, counts: &[usize]| fair_share(size, counts);
        assert_eq!(fair(100, &[10, 10, 200]), [10, 10, 80]);
        assert_eq!(fair(100, &[10, 20, 200]), [10, 20, 70]);
        assert_eq!(fair(30, &[10, 20, 30]), [10, 10, 10]);
        assert_eq!(fair(90, &[30, 30, 30]), [30, 30, 30]);
        assert_eq!(fair(50, &[100, 5, 100]), [23, 5, 22]);
        assert_eq!(fair(7, &[3, 3, 3]), [3, 2, 2]);
        assert_eq!(fair(20, &[3, 3, 3]), [3, 3, 3]);
    }

    #[test]
    fn a_ratio_leaves_no_class_out_and_meets_its_size() {
        assert_eq!(proportional(10, &[50, 30, 20]), [5, 3, 2]);
        assert_eq!(proportional(10, &[98, 1, 1]), [8, 1, 1]);
        assert_eq!(proportional(4, &[3, 3, 3]), [2, 1, 1]);
        assert_eq!(proportional(2, &[5, 1, 5]), [1, 0, 1]);
    }
}
