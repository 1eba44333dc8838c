//! Histograms of two samples over common bins.

use std::num::NonZeroUsize;

use super::Metric;
use super::per_column::PerColumn;

/// The largest number of different reference values for which each value is a bin.
const VALUES: usize = 20;

/// The share that replaces that of an empty bin.
const EMPTY: f64 = 1e-4;

/// The shares of two sorted samples in common bins.
///
/// Each value is a bin if the first sample has at most 20 different values. Otherwise bins have equal
/// width, from the lowest value to the highest; the default number of bins is that of Sturges' rule.
fn histograms(x: &[f32], y: &[f32], bins: Option<NonZeroUsize>) -> (Vec<f64>, Vec<f64>) {
    let mut values: Vec<f32> = x.to_vec();
    values.dedup();
    if values.len() <= VALUES {
        return by_value(x, y, values);
    }
    let count = bins.map_or_else(|| sturges(x.len() + y.len()), usize::from);
    let low = f64::from(x[0].min(y[0]));
    let high = f64::from(x[x.len() - 1].max(y[y.len() - 1]));
    // bins exclude their upper edge, except the last bin.
    let edge = |bin: usize| low + (high - low) * bin as f64 / count as f64;
    let shares = |sample: &[f32]| {
        let below = |bin: usize| {
            if bin == count {
                return sample.len();
            }
            sample.partition_point(|value| f64::from(*value) < edge(bin))
        };
        let ends: Vec<usize> = (0..=count).map(below).collect();
        ends.windows(2).map(|ends| (ends[1] - ends[0]) as f64 / sample.len() as f64).collect()
    };
    (shares(x), shares(y))
}

/// ⌈1 + log₂ n⌉.
fn sturges(n: usize) -> usize {
    (1.0 + (n as f64).log2()).ceil() as usize
}

fn by_value(x: &[f32], y: &[f32], mut values: Vec<f32>) -> (Vec<f64>, Vec<f64>) {
    values.extend(y);
    values.sort_unstable_by(f32::total_cmp);
    values.dedup();
    let shares = |sample: &[f32]| {
        let upto = |value: &f32| sample.partition_point(|other| other <= value);
        let ends = values.iter().scan(0, |before, value| {
            let share = (upto(value) - *before) as f64 / sample.len() as f64;
            *before = upto(value);
            Some(share)
        });
        ends.collect()
    };
    (shares(x), shares(y))
}

/// Replaces zeros: the share of an empty bin becomes 0.0001 or, if that is not less than the smallest
/// other share, a millionth of the smallest share.
pub(super) fn filled(shares: &[f64]) -> Vec<f64> {
    let some = shares.iter().copied().filter(|share| *share > 0.0);
    let least = some.fold(f64::INFINITY, f64::min);
    let empty = if least <= EMPTY { least / 1e6 } else { EMPTY };
    shares.iter().map(|share| if *share > 0.0 { *share } else { empty }).collect()
}

/// A metric that is the mean over the dimensions of `distance` between histograms.
pub(super) fn metric(
    bins: Option<NonZeroUsize>,
    distance: fn(&[f64], &[f64]) -> f64,
) -> impl Metric {
    PerColumn::new(move |x: &[f32], y: &[f32]| {
        let (p, q) = histograms(x, y, bins);
        distance(&p, &q)
    })
}

/// Defines the configuration of a metric on histograms. Its distance is the function `distance` of
/// the module.
macro_rules! histogram_metric {
    ($(#[$about:meta])* $Name:ident { $(#[$threshold:meta])* threshold, }) => {
        $crate::drift::metric::config::metric_config! {
            $(#[$about])* $Name {
                $(#[$threshold])*
                threshold,
                /// Number of bins of equal width over both samples (default: by Sturges' rule).
                #[serde(default, skip_serializing_if = "Option::is_none")]
                bins: Option<std::num::NonZeroUsize>,
            }
            metric: |config| $crate::drift::metric::histogram::metric(config.bins, distance),
            has_null_distribution: false
        }
    };
}
pub(super) use histogram_metric;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_are_bins_of_their_own() {
        let (p, q) = histograms(&[1.0, 1.0, 3.0, 3.0], &[0.0, 1.0, 1.0, 2.0], None);
        assert_eq!((p, q), (vec![0.0, 0.5, 0.0, 0.5], vec![0.25, 0.5, 0.25, 0.0]));
    }

    #[test]
    fn many_values_are_counted_between_edges() {
        let x: Vec<f32> = (0..32).map(|i| i as f32).collect();
        let (p, q) = histograms(&x, &[0.0, 8.0, 31.0, 32.0], NonZeroUsize::new(4));
        assert_eq!(p, [0.25; 4]);
        assert_eq!(q, [0.25, 0.25, 0.0, 0.5]);
        assert_eq!(histograms(&x, &x, None).0.len(), 7);
    }

    #[test]
    fn empty_bins_count_little() {
        assert_eq!(filled(&[0.5, 0.0, 0.5]), [0.5, 1e-4, 0.5]);
        assert_eq!(filled(&[1e-4, 0.0]), [1e-4, 1e-10]);
    }
}
