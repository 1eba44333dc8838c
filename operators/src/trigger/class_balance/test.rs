//! The statistical test of a change of the class distribution.

use std::cmp::Reverse;

use crate::drift::metric::{fisher_p_value, survival};

/// The comparison of the classes of two windows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Compared {
    /// The name of the test.
    pub(super) metric: &'static str,
    pub(super) value: f64,
    pub(super) p_value: f64,
}

/// Compares the counts of each class in two windows that are not empty.
pub(super) fn compare(counts: &[[u64; 2]], minimum: f64) -> Compared {
    let mut counts = counts.to_vec();
    // the rarest last; the order does not depend on the numbers of classes.
    counts.sort_unstable_by_key(|[a, b]| Reverse((a + b, *a)));
    let totals = sum(&counts);
    let categories = pooled(&counts, totals, minimum);
    if categories.len() >= 2 {
        let (value, freedom) = (statistic(&categories, totals), categories.len() as u32 - 1);
        return Compared { metric: "chi_squared", value, p_value: survival(value, freedom) };
    }
    let [n, m] = totals;
    let [a, b] = counts.first().copied().unwrap_or_default();
    let share = |count: u64, of: u64| count as f64 / of.max(1) as f64;
    let p_value = fisher_p_value([a, b].map(|count| count as usize), [n, m].map(|of| of as usize));
    Compared { metric: "fisher", value: (share(a, n) - share(b, m)).abs(), p_value }
}

/// The counts, most frequent class first, with rare classes combined into one category. At least `minimum`
/// samples of every category are expected in either window.
fn pooled(counts: &[[u64; 2]], totals: [u64; 2], minimum: f64) -> Vec<[u64; 2]> {
    let expected = |of: [u64; 2]| {
        let share = (of[0] + of[1]) as f64 / (totals[0] + totals[1]) as f64;
        share * totals[0].min(totals[1]) as f64
    };
    let frequent = counts.partition_point(|count| expected(*count) >= minimum);
    let (kept, rare) = counts.split_at(frequent);
    let (mut kept, mut others) = (kept.to_vec(), sum(rare));
    while others != [0, 0] && expected(others) < minimum {
        let Some(next) = kept.pop() else { break };
        others = sum(&[others, next]);
    }
    kept.extend((others != [0, 0]).then_some(others));
    kept
}

fn sum(counts: &[[u64; 2]]) -> [u64; 2] {
    counts.iter().fold([0, 0], |[a, b], [c, d]| [a + c, b + d])
}

fn statistic(counts: &[[u64; 2]], totals: [u64; 2]) -> f64 {
    let all = (totals[0] + totals[1]) as f64;
    let term = |count: &[u64; 2]| {
        let share = (count[0] + count[1]) as f64 / all;
        let side = |side: usize| {
            let expected = share * totals[side] as f64;
            (count[side] as f64 - expected).powi(2) / expected
        };
        side(0) + side(1)
    };
    counts.iter().map(term).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(one: f64, other: f64) -> bool {
        (one - other).abs() <= 1e-9 * other.abs().max(1e-3)
    }

    /// Values of SciPy 1.17.1: `chi2_contingency(…, correction=False)` and `fisher_exact`.
    #[test]
    fn tests_are_those_of_scipy() {
        let golden: [(&[[u64; 2]], &str, f64, f64); 5] = [
            (&[[50, 30], [30, 50], [20, 20]], "chi_squared", 10.0, 0.006737946999085468),
            (
                &[[500, 230], [300, 190], [200, 80]],
                "chi_squared",
                10.48364551299972,
                0.005290604557820597,
            ),
            // the last three are combined.
            (
                &[[50, 50], [20, 25], [6, 2], [3, 2], [1, 1]],
                "chi_squared",
                20.0 / 9.0,
                0.3291929878079054,
            ),
            (&[[1, 8], [9, 2]], "fisher", 0.7, 0.005477494641581328),
            (&[[4, 1], [1, 3]], "fisher", 0.55, 0.2063492063492063),
        ];
        for (counts, metric, value, p_value) in golden {
            let found = compare(counts, 5.0);
            assert_eq!(found.metric, metric, "{counts:?}");
            assert!(close(found.value, value) && close(found.p_value, p_value), "{found:?}");
        }
    }

    #[test]
    fn classes_are_put_together_until_enough_is_expected() {
        let pooled = |counts: &[[u64; 2]]| pooled(counts, sum(counts), 5.0);
        // the last two have 2.5 and 2 expected samples in each window, 4.5 together, so that the third
        // joins.
        let counts = [[50, 50], [20, 20], [6, 6], [3, 2], [1, 3]];
        assert_eq!(pooled(&counts), [[50, 50], [20, 20], [10, 11]]);
        // 3 and 3: enough.
        let counts = [[50, 50], [20, 20], [6, 6], [3, 3], [3, 3]];
        assert_eq!(pooled(&counts), [[50, 50], [20, 20], [6, 6], [6, 6]]);
        assert_eq!(pooled(&[[4, 4], [1, 1]]), [[5, 5]]);
        assert_eq!(pooled(&[[1, 1], [1, 1]]), [[2, 2]]);
    }

    #[test]
    fn one_class_never_differs() {
        for counts in [[[3, 1]], [[300, 200]]] {
            assert_eq!(compare(&counts, 5.0).p_value, 1.0);
        }
    }
}
