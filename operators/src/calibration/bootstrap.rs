use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

/// The stationary bootstrap: endless streams made of blocks of given values, in their order.
///
/// A block begins anywhere and ends after each value with chance 1 / `block`; after the last value
/// comes the first. Reference: D. N. Politis, J. P. Romano, *The Stationary Bootstrap*, Journal of the
/// American Statistical Association 89 (1994).
pub(super) struct Resampled<'a> {
    values: &'a [f64],
    end: f64,
    at: usize,
    random: Pcg64,
}

impl<'a> Resampled<'a> {
    /// Stream number `stream` of this `seed`; `values` are not empty.
    pub(super) fn new(values: &'a [f64], block: usize, (seed, stream): (u64, u64)) -> Self {
        let seed = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ stream;
        let mut random = Pcg64::seed_from_u64(seed);
        let at = random.random_range(0..values.len());
        Self { values, end: 1.0 / block as f64, at, random }
    }
}

impl Iterator for Resampled<'_> {
    type Item = f64;

    fn next(&mut self) -> Option<f64> {
        let value = self.values[self.at];
        self.at = match self.random.random::<f64>() < self.end {
            true => self.random.random_range(0..self.values.len()),
            false => (self.at + 1) % self.values.len(),
        };
        Some(value)
    }
}
