//! The fair share of groups of different sizes.

/// The largest share s such that groups of these sizes give at most `target` samples in total, if each
/// gives at most s.
///
/// ```text
/// s = max { s : Σ min(s, cⱼ) ≤ target }
/// ```
///
/// The deficit of small groups is shared among the others (water-filling, max-min fairness). If all
/// samples together are at most `target`, s is the size of the largest group.
///
/// Reference: D. Bertsekas, R. Gallager, *Data Networks*, 2nd edition (1992), §6.5.2.
///
/// ```
/// use driftmill_operators::selection::fair_share;
/// assert_eq!(fair_share(100, &[10, 10, 200]), 80);
/// assert_eq!(fair_share(50, &[5, 100, 100]), 22);
/// ```
pub fn fair_share(target: usize, sizes: &[usize]) -> usize {
    let mut sizes = sizes.to_vec();
    sizes.sort_unstable();
    let mut left = target;
    for (place, size) in sizes.iter().enumerate() {
        let share = left / (sizes.len() - place);
        if *size > share {
            return share;
        }
        left -= size;
    }
    sizes.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::fair_share;

    fn shared(target: usize, sizes: &[usize]) -> (usize, usize) {
        let share = fair_share(target, sizes);
        (share, sizes.iter().map(|size| share.min(*size)).sum())
    }

    #[test]
    fn worked_examples() {
        assert_eq!(shared(100, &[10, 10, 200]), (80, 100));
        assert_eq!(shared(100, &[10, 20, 200]), (70, 100));
        assert_eq!(shared(30, &[10, 20, 30]), (10, 30));
        assert_eq!(shared(90, &[30, 30, 30]), (30, 90));
        assert_eq!(shared(50, &[5, 100, 100]), (22, 49));
        assert_eq!(shared(7, &[3, 3, 3]), (2, 6));
        assert_eq!((shared(9, &[]), shared(0, &[3]), shared(9, &[3, 1])), ((0, 0), (0, 0), (3, 4)));
    }

    proptest! {
        #[test]
        fn the_share_is_the_largest_that_fits(
            target in 0usize..300, sizes in prop::collection::vec(0usize..100, 1..8),
        ) {
            let (share, total) = shared(target, &sizes);
            prop_assert!(total <= target);
            let next: usize = sizes.iter().map(|size| (share + 1).min(*size)).sum();
            prop_assert!(next > target || next == total);
        }
    }
}
