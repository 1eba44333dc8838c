//! What a model's class probabilities say of one sample.

/// The least probability of which a logarithm is taken: what 32 bits resolve below 1.
const LEAST: f32 = f32::EPSILON;

/// The class of the largest probability, the first of several.
pub(super) fn predicted(row: &[f32]) -> Option<u32> {
    let mut best: Option<(usize, f32)> = None;
    for (class, probability) in row.iter().enumerate() {
        if best.is_none_or(|(_, most)| *probability > most) {
            best = Some((class, *probability));
        }
    }
    best.map(|(class, _)| class as u32)
}

/// Whether the predicted class is another than the label.
pub(super) fn is_wrong(row: &[f32], label: u32) -> bool {
    predicted(row) != Some(label)
}

/// −ln p of the label's class.
pub(super) fn loss(row: &[f32], label: u32) -> f64 {
    // of what is not a number, `max` gives the other.
    let probability = row.get(label as usize).map_or(LEAST, |p| p.max(LEAST));
    -f64::from(probability.min(1.0)).ln()
}

/// The largest probability.
pub(super) fn confidence(row: &[f32]) -> f64 {
    f64::from(row.iter().copied().fold(0.0, f32::max)).min(1.0)
}

/// The largest probability less the second largest.
pub(super) fn margin(row: &[f32]) -> f64 {
    let two = row.iter().fold([0.0f32; 2], |[first, second], p| {
        if *p > first { [*p, first] } else { [first, second.max(*p)] }
    });
    f64::from(two[0] - two[1]).clamp(0.0, 1.0)
}
