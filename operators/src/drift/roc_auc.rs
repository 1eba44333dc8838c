//! The area under the ROC curve.

/// The area under the ROC curve: the probability that a positive scores above a negative. Ties count half.
///
/// ```text
/// AUC = (R − n(n+1)/2) / nm     R: sum of the positives' ranks, n positives, m negatives
/// ```
///
/// The area is ½ if scores carry no information, and without positives or without negatives. Costs O(n log
/// n).
///
/// Reference: J. A. Hanley and B. J. McNeil, *The Meaning and Use of the Area under a ROC Curve*,
/// Radiology 143 (1982).
///
/// ```
/// use driftmill_operators::drift::roc_auc;
/// assert_eq!(roc_auc(&[0.8, 0.4], &[0.1, 0.4]), 0.875);
/// ```
pub fn roc_auc(positives: &[f64], negatives: &[f64]) -> f64 {
    if positives.is_empty() || negatives.is_empty() {
        return 0.5;
    }
    let tagged = positives.iter().map(|score| (*score, true));
    let mut all: Vec<(f64, bool)> =
        tagged.chain(negatives.iter().map(|score| (*score, false))).collect();
    all.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut ordered) = (0, 0.0);
    for ties in all.chunk_by(|a, b| a.0 == b.0) {
        let positive = ties.iter().filter(|(_, positive)| *positive).count();
        let negative = ties.len() - positive;
        ordered += positive as f64 * (below as f64 + negative as f64 / 2.0);
        below += negative;
    }
    ordered / (positives.len() as f64 * negatives.len() as f64)
}
