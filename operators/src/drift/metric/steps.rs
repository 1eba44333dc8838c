//! The steps of two empirical distribution functions.

/// Walks along two sorted samples: for each value, in ascending order, how many of each are not above
/// it, and the distance to the next value (0 for the last).
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
        // ties step together: between them the functions have no value.
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
