//! The steps of two empirical distribution functions.

/// Calls `each` for each value of two sorted samples in ascending order, with the number of values of
/// each sample that are not above it, and the distance to the next value (0 for the last).
pub(in crate::drift) fn steps<T: Copy + PartialOrd + Into<f64>>(
    x: &[T],
    y: &[T],
    mut each: impl FnMut(usize, usize, f64),
) {
    let lesser = |a: &T, b: &T| if b < a { *b } else { *a };
    let (mut i, mut j) = (0, 0);
    while i < x.len() || j < y.len() {
        let at = match (x.get(i), y.get(j)) {
            (Some(a), Some(b)) => lesser(a, b),
            (Some(a), None) | (None, Some(a)) => *a,
            (None, None) => return,
        };
        // ties are one step.
        i += x[i..].iter().take_while(|value| **value <= at).count();
        j += y[j..].iter().take_while(|value| **value <= at).count();
        let next = match (x.get(i), y.get(j)) {
            (Some(a), Some(b)) => lesser(a, b),
            (Some(a), None) | (None, Some(a)) => *a,
            (None, None) => at,
        };
        each(i, j, next.into() - at.into());
    }
}
