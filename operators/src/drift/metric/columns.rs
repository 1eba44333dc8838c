//! The columns of two samples.

use crate::Matrix;

/// Number of values from which counting is faster than comparing.
const MANY: usize = 2048;

/// Number of bits of a key that one pass sorts by.
const DIGIT: u32 = 11;

/// Each column's values in ascending order.
pub fn sorted_columns(matrix: &Matrix) -> Vec<Vec<f32>> {
    (0..matrix.cols()).map(|col| sorted(matrix.col(col))).collect()
}

fn sorted(values: impl Iterator<Item = f32>) -> Vec<f32> {
    let mut keys: Vec<u32> = values.map(to_key).collect();
    if keys.len() < MANY {
        keys.sort_unstable();
    } else {
        radix_sort(&mut keys);
    }
    keys.into_iter().map(from_key).collect()
}

/// A number with the order of the value: all bits of negative values are inverted, and the first bit of
/// other values.
fn to_key(value: f32) -> u32 {
    let bits = value.to_bits();
    bits ^ if bits >> 31 == 1 { u32::MAX } else { 1 << 31 }
}

fn from_key(key: u32) -> f32 {
    f32::from_bits(key ^ if key >> 31 == 1 { 1 << 31 } else { u32::MAX })
}

/// Sorts by the last digit first. Each pass keeps the order of equal digits.
fn radix_sort(keys: &mut Vec<u32>) {
    let digit = |key: u32, place: u32| (key >> (place * DIGIT)) as usize & ((1 << DIGIT) - 1);
    let mut other = vec![0; keys.len()];
    for place in 0..u32::BITS.div_ceil(DIGIT) {
        let mut ends = vec![0u32; 1 << DIGIT];
        keys.iter().for_each(|key| ends[digit(*key, place)] += 1);
        let mut before = 0;
        for end in &mut ends {
            before += std::mem::replace(end, before);
        }
        for key in &*keys {
            let next = &mut ends[digit(*key, place)];
            other[*next as usize] = *key;
            *next += 1;
        }
        std::mem::swap(keys, &mut other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_values_are_sorted_as_few_are() {
        let value = |i: u32| (f64::from(i.wrapping_mul(0x9E37_79B9)) / 1e6 - 2e3) as f32;
        let mut values: Vec<f32> = (0..5000).map(value).collect();
        values.extend([0.0, -0.0, f32::MIN, f32::MAX, 1e-40, -1e-40]);
        let found = sorted(values.iter().copied());
        values.sort_by(f32::total_cmp);
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&found), bits(&values));
        assert_eq!(bits(&sorted(values[..9].iter().rev().copied())), bits(&values[..9]));
    }
}
