//! The division of a budget among classes and blocks.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::{Budget, Chosen, RequiredScores, SampleScores};
use crate::fair_share::fair_share;

/// The division of a budget among classes.
///
/// The remainder of rounding goes to single classes: to the class with the largest deficit, among equal
/// deficits to the lowest label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Balance {
    /// No division: samples are chosen among all classes.
    #[default]
    None,
    /// The same number of each class; of a smaller class, all samples.
    FairShare,
    /// The same ratio of each class, but at least one sample if the budget allows it.
    Proportional,
}

impl Balance {
    /// The default of policies that would otherwise choose from one class alone.
    pub(super) fn proportional() -> Self {
        Self::Proportional
    }

    /// The scores that the division requires.
    pub(super) fn required_scores(self) -> RequiredScores {
        self.required_with(RequiredScores::default())
    }

    /// The scores that the division requires in addition to `scores`, which have no labels.
    pub(super) fn required_with(self, scores: RequiredScores) -> RequiredScores {
        RequiredScores { labels: self.needs_labels(), ..scores }
    }

    /// Whether labels must be known.
    fn needs_labels(self) -> bool {
        self != Self::None
    }

    /// Applies `each` to every class, and within a class to every block of about `block` samples, in
    /// the order of the candidates.
    pub(super) fn choose(
        self,
        block: Option<NonZeroUsize>,
        scores: &SampleScores,
        budget: Budget,
        each: impl Fn(&SampleScores, Budget) -> Vec<Chosen>,
    ) -> Vec<Chosen> {
        let parts = self.parts(block, scores, budget.size);
        if let [(_, size)] = &parts[..] {
            return each(scores, Budget { size: *size, ..budget });
        }
        let mut chosen = Vec::new();
        for (rows, size) in parts {
            if size == rows.len() {
                chosen.extend(rows.into_iter().map(Chosen::plain));
            } else if size > 0 {
                let part = each(&scores.part(&rows), Budget { size, ..budget });
                chosen.extend(part.into_iter().map(|c| Chosen { index: rows[c.index], ..c }));
            }
        }
        chosen
    }

    /// The parts of the candidates: their rows and the number of samples to choose.
    fn parts(
        self,
        block: Option<NonZeroUsize>,
        scores: &SampleScores,
        size: usize,
    ) -> Vec<(Vec<usize>, usize)> {
        let mut classes: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for row in 0..scores.samples {
            let label = scores.labels.as_ref().filter(|_| self.needs_labels()).map(|all| all[row]);
            classes.entry(label.unwrap_or_default()).or_default().push(row);
        }
        let classes: Vec<Vec<usize>> = classes.into_values().collect();
        let counts: Vec<usize> = classes.iter().map(Vec::len).collect();
        let sizes = match self {
            Self::FairShare => fair_sizes(size, &counts),
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

/// Sizes at the [fair share](fair_share) of all classes. The remainder of rounding goes to the first
/// classes with more samples.
fn fair_sizes(size: usize, counts: &[usize]) -> Vec<usize> {
    let share = fair_share(size, counts);
    let mut sizes: Vec<usize> = counts.iter().map(|count| share.min(*count)).collect();
    let mut left = size.min(counts.iter().sum()) - sizes.iter().sum::<usize>();
    for (size, count) in sizes.iter_mut().zip(counts) {
        let more = left.min(usize::from(*size < *count));
        (*size, left) = (*size + more, left - more);
    }
    sizes
}

/// Whole numbers in the ratio of `counts`, by largest remainders. No number is 0 if `size` allows it.
fn proportional(size: usize, counts: &[usize]) -> Vec<usize> {
    let total: usize = counts.iter().sum();
    let exact = |count: usize| size.min(total) as u128 * count as u128;
    let total = total.max(1) as u128;
    let least = usize::from(size >= counts.len());
    let floor = |count: &usize| ((exact(*count) / total) as usize).max(least);
    let mut sizes: Vec<usize> = counts.iter().map(floor).collect();
    // the deficit of a class; negative for a surplus.
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
    fn fair_shares_are_equal_up_to_the_size_of_a_class() {
        let fair = |size, counts: &[usize]| fair_sizes(size, counts);
        assert_eq!(fair(100, &[10, 10, 200]), [10, 10, 80]);
        assert_eq!(fair(100, &[10, 20, 200]), [10, 20, 70]);
        assert_eq!(fair(30, &[10, 20, 30]), [10, 10, 10]);
        assert_eq!(fair(90, &[30, 30, 30]), [30, 30, 30]);
        assert_eq!(fair(50, &[100, 5, 100]), [23, 5, 22]);
        assert_eq!(fair(7, &[3, 3, 3]), [3, 2, 2]);
        assert_eq!(fair(20, &[3, 3, 3]), [3, 3, 3]);
    }

    #[test]
    fn proportional_sizes_include_every_class_and_sum_to_the_size() {
        assert_eq!(proportional(10, &[50, 30, 20]), [5, 3, 2]);
        assert_eq!(proportional(10, &[98, 1, 1]), [8, 1, 1]);
        assert_eq!(proportional(4, &[3, 3, 3]), [2, 1, 1]);
        assert_eq!(proportional(2, &[5, 1, 5]), [1, 0, 1]);
    }
}
