//! Random numbers that are a function of seed, stream and index.
//!
//! They are the same on every machine and in any order of evaluation. Formulas take their sines
//! and exponentials from `libm`, because those of the system differ in the last bit between
//! processors.

use rand::RngExt;
use rand_distr::StandardNormal;
use rand_pcg::Pcg64;

/// The random numbers of item `index` of the stream called `stream`.
pub(super) fn random(seed: u64, stream: &str, index: u64) -> Pcg64 {
    let name = stream.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let stream = mix(seed ^ mix(name));
    let high = mix(stream ^ mix(index));
    let low = mix(high.wrapping_add(stream));
    Pcg64::new(u128::from(high) << 64 | u128::from(low), u128::from(stream))
}

/// A bijection that spreads every bit over all others (splitmix64).
fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Random draws, named as in the formulas that use them.
pub(super) trait Draw {
    /// Uniform from 0 up to 1.
    fn uniform(&mut self) -> f64;

    /// Whether an event of probability `probability` happens.
    fn happens(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// Normal with mean 0 and standard deviation 1.
    fn normal(&mut self) -> f64;

    /// A direction in `dimensions` dimensions: a vector of length 1.
    fn direction(&mut self, dimensions: usize) -> Vec<f64> {
        let mut vector: Vec<f64> = (0..dimensions).map(|_| self.normal()).collect();
        normalise(&mut vector);
        vector
    }
}

impl Draw for Pcg64 {
    fn uniform(&mut self) -> f64 {
        self.random()
    }

    fn normal(&mut self) -> f64 {
        self.sample(StandardNormal)
    }
}

/// Scales `vector` to length 1.
pub(super) fn normalise(vector: &mut [f64]) {
    let length = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
    for x in vector {
        *x /= length;
    }
}

/// Converts a value to a feature.
pub(super) fn feature(value: f64) -> f32 {
    value as f32
}

/// Converts an index to a number for formulas.
pub(super) fn number(index: u64) -> f64 {
    index as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_and_indices_are_independent() {
        let mut firsts: Vec<u64> = Vec::new();
        for seed in 0..4 {
            for stream in ["a", "b"] {
                firsts.extend((0..50).map(|index| random(seed, stream, index).random::<u64>()));
            }
        }
        firsts.sort_unstable();
        firsts.dedup();
        assert_eq!(firsts.len(), 400);
    }
}
