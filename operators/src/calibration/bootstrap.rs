//! The stationary bootstrap.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

/// The stationary bootstrap: endless streams of blocks of the given values.
///
/// A block begins at a uniformly random value. It ends after each value with probability 1 / `block`.
/// The first value follows the last. Reference: D. N. Politis, J. P. Romano, *The Stationary Bootstrap*, Journal of the
/// American Statistical Association 89 (1994).
pub(super) struct Resampled<'a> {
    values: &'a [f64],
    /// The probability that a block ends after a value.
    end: f64,
    next: usize,
    random: Pcg64,
}

impl<'a> Resampled<'a> {
    /// Starts stream number `stream` of `seed`. `values` must not be empty; `block` is the mean length
    /// of a block.
    pub(super) fn new(values: &'a [f64], block: usize, seed: u64, stream: u64) -> Self {
        let seed = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ stream;
        let mut random = Pcg64::seed_from_u64(seed);
        let next = random.random_range(0..values.len());
        Self { values, end: 1.0 / block as f64, next, random }
    }
}

impl Iterator for Resampled<'_> {
    type Item = f64;

    fn next(&mut self) -> Option<f64> {
        let value = self.values[self.next];
        self.next = if self.random.random::<f64>() < self.end {
            self.random.random_range(0..self.values.len())
        } else {
            (self.next + 1) % self.values.len()
        };
        Some(value)
    }
}
