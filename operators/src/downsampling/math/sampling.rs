//! Sampling with probabilities in proportion to scores.

use rand::RngExt;
use rand::seq::SliceRandom;
use rand_pcg::Pcg64;
use serde::{Deserialize, Serialize};

use super::ranking::highest;
use crate::downsampling::{Budget, Chosen};

/// The method of drawing samples by a score.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Draws {
    /// Random draws, each sample at most once.
    #[default]
    WithoutReplacement,
    /// Independent random draws: a sample may be chosen several times.
    WithReplacement,
    /// The highest scores, with weight 1; the estimate is biased.
    Top,
}

impl Draws {
    /// Chooses by `scores`, which must not be negative. Higher scores have higher probabilities and lower
    /// weights.
    ///
    /// ```text
    /// with replacement      pᵢ = scoreᵢ / Σ score          wᵢ = 1 / (n·pᵢ)
    /// without               πᵢ = min(1, c·scoreᵢ),  Σπ = k  wᵢ = k / (n·πᵢ)
    /// ```
    ///
    /// The expectation of the mean of w·f over the k chosen samples is the mean of f over all n, for
    /// every f that is 0 where the score is 0. Without replacement, samples are included with exactly
    /// the probability πᵢ, by the pivotal method: J.-C. Deville and Y. Tillé, *Unequal probability sampling without
    /// replacement through a splitting method*, Biometrika 85 (1998). If no score is above 1/k of the
    /// sum, πᵢ = k·pᵢ and both weights are the same.
    pub(in crate::downsampling) fn choose(self, scores: &[f32], budget: Budget) -> Vec<Chosen> {
        let mut random = budget.random();
        match self {
            Self::Top => highest(scores, budget.size),
            Self::WithReplacement => with_replacement(scores, budget.size, &mut random),
            Self::WithoutReplacement => {
                let inclusion = inclusion(scores, budget.size);
                let scale = budget.size as f64 / scores.len() as f64;
                let chosen = pivotal(&inclusion, budget.size, &mut random);
                let weighted =
                    |index: usize| Chosen { index, weight: weight(scale / inclusion[index]) };
                chosen.into_iter().map(weighted).collect()
            }
        }
    }
}

/// Converts a weight to a finite number, even for a score of nearly 0.
fn weight(exact: f64) -> f32 {
    exact.clamp(f64::from(f32::MIN_POSITIVE), f64::from(f32::MAX)) as f32
}

fn with_replacement(scores: &[f32], size: usize, random: &mut Pcg64) -> Vec<Chosen> {
    let mut sum = 0.0;
    let mut sums: Vec<f64> = Vec::with_capacity(scores.len());
    let zero = scores.iter().all(|score| *score == 0.0);
    let score = |index: usize| if zero { 1.0 } else { f64::from(scores[index]) };
    for index in 0..scores.len() {
        sum += score(index);
        sums.push(sum);
    }
    // a draw that rounds up to the sum itself falls on the last positive score.
    let last = scores.len() - 1 - scores.iter().rev().take_while(|s| !zero && **s == 0.0).count();
    let draw = |_| {
        let at = random.random::<f64>() * sum;
        let index = sums.partition_point(|sum| *sum <= at).min(last);
        Chosen { index, weight: weight(sum / (scores.len() as f64 * score(index))) }
    };
    (0..size).map(draw).collect()
}

/// The inclusion probability of each sample for a choice of `size`: proportional to the score, at most 1.
/// If fewer than `size` scores are above 0, the other samples have equal probabilities.
fn inclusion(scores: &[f32], size: usize) -> Vec<f64> {
    let positive = scores.iter().filter(|score| **score > 0.0).count();
    if positive <= size {
        let rest = (size - positive) as f64 / (scores.len() - positive).max(1) as f64;
        return scores.iter().map(|score| if *score > 0.0 { 1.0 } else { rest }).collect();
    }
    let mut order: Vec<f64> = scores.iter().map(|score| f64::from(*score)).collect();
    order.sort_unstable_by(|a, b| b.total_cmp(a));
    // suffix sums, added from the smallest score so that small scores are not lost to rounding.
    let mut sums: Vec<f64> = order
        .iter()
        .rev()
        .scan(0.0, |sum, score| {
            *sum += score;
            Some(*sum)
        })
        .collect();
    sums.reverse();
    let certain =
        (0..size).find(|certain| order[*certain] * (size - certain) as f64 <= sums[*certain]);
    let certain = certain.unwrap_or(size);
    let scale = (size - certain) as f64 / sums[certain];
    let least = if certain == 0 { f64::INFINITY } else { order[certain - 1] };
    let probability = |score: &f32| {
        let score = f64::from(*score);
        if score >= least { 1.0 } else { (score * scale).min(1.0) }
    };
    scores.iter().map(probability).collect()
}

/// The pivotal method: pairs compete in random order until each sample is included or excluded.
fn pivotal(inclusion: &[f64], size: usize, random: &mut Pcg64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..inclusion.len()).collect();
    order.shuffle(random);
    let mut chosen = Vec::with_capacity(size);
    let mut open: Option<(usize, f64)> = None;
    for next in order {
        let (one, other) = match (open.take(), inclusion[next]) {
            (before, probability) if probability >= 1.0 => {
                chosen.push(next);
                open = before;
                continue;
            }
            (before, probability) if probability <= 0.0 => {
                open = before;
                continue;
            }
            (None, probability) => {
                open = Some((next, probability));
                continue;
            }
            (Some(before), probability) => (before, (next, probability)),
        };
        let sum = one.1 + other.1;
        let draw: f64 = random.random();
        open = if sum < 1.0 {
            let stays = if draw * sum < one.1 { one.0 } else { other.0 };
            Some((stays, sum))
        } else {
            let first = draw * (2.0 - sum) < 1.0 - other.1;
            let (enters, stays) = if first { (one.0, other.0) } else { (other.0, one.0) };
            chosen.push(enters);
            (sum > 1.0).then_some((stays, sum - 1.0))
        };
    }
    // the probability of the last sample is 0 or 1, except for rounding.
    chosen.extend(open.map(|(last, _)| last).filter(|_| chosen.len() < size));
    chosen.truncate(size);
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_samples_keep_their_ratios_next_to_certain_ones() {
        assert_eq!(inclusion(&[1.0, 1.0, 2.0], 2), [0.5, 0.5, 1.0]);
        assert_eq!(inclusion(&[9.0, 1.0, 3.0, 0.0], 2), [1.0, 0.25, 0.75, 0.0]);
        assert_eq!(inclusion(&[5.0, 0.0, 0.0, 0.0], 2), [1.0, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0]);
        assert_eq!(inclusion(&[1.0, 1.0, 1.0, 1.0], 1), [0.25; 4]);
    }
}
