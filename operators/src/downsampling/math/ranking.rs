use crate::downsampling::Chosen;

/// The `size` highest scores, the highest first; of equal ones the first. Scores are finite.
pub(in crate::downsampling) fn highest(scores: &[f32], size: usize) -> Vec<Chosen> {
    // of scores that are equal, although one is −0.
    let score = |sample: &usize| scores[*sample] + 0.0;
    let before = |a: &usize, b: &usize| score(b).total_cmp(&score(a)).then(a.cmp(b));
    let mut order: Vec<usize> = (0..scores.len()).collect();
    if size < order.len() {
        order.select_nth_unstable_by(size, before);
        order.truncate(size);
    }
    order.sort_unstable_by(before);
    order.into_iter().map(Chosen::plain).collect()
}

/// What `of` says of each row, and the highest of them.
pub(in crate::downsampling) fn highest_of_rows(
    rows: &crate::Matrix,
    size: usize,
    of: impl Fn(&[f32]) -> f32,
) -> Vec<Chosen> {
    let scores: Vec<f32> = (0..rows.rows()).map(|row| of(rows.row(row))).collect();
    highest(&scores, size)
}

/// The two highest probabilities of a row; of a single column, that of the class and its opposite.
pub(in crate::downsampling) fn two_highest(row: &[f32]) -> [f32; 2] {
    if let [only] = row {
        return [only.max(1.0 - only), only.min(1.0 - only)];
    }
    row.iter().fold([0.0, 0.0], |[first, second], value| {
        [first.max(*value), second.max(value.min(first))]
    })
}
