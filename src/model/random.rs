//! Streams of random numbers that depend on their purpose and seeds alone.

use rand::Rng;
use rand_pcg::Pcg64;
use sha2::{Digest, Sha256};

/// A stream of random numbers that is a function of its purpose and seeds alone.
///
/// All random numbers of a training come from such streams and never from Burn's generator, which belongs
/// to a device and is shared by everything that runs at the same time.
pub struct Random(Pcg64);

impl Random {
    /// The stream for `purpose` under `seeds`.
    pub fn new(purpose: &str, seeds: [u64; 2]) -> Self {
        let mut hash = Sha256::new();
        hash.update(purpose);
        seeds.iter().for_each(|seed| hash.update(seed.to_le_bytes()));
        Self(rand::SeedableRng::from_seed(hash.finalize().into()))
    }

    /// A number in [−`bound`, `bound`).
    pub fn symmetric(&mut self, bound: f32) -> f32 {
        // 24 bits are what a float in [0, 1) represents exactly
        let unit = (self.0.next_u32() >> 8) as f32 / (1u32 << 24) as f32;
        (unit * 2.0 - 1.0) * bound
    }

    /// A seed for another generator.
    pub fn seed(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `bound`, which is not zero.
    fn below(&mut self, bound: usize) -> usize {
        // the bias is at most bound ÷ 2⁶⁴ and negligible
        ((u128::from(self.0.next_u64()) * bound as u128) >> 64) as usize
    }

    /// Puts `items` in random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.below(end + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_never_changes() {
        let mut random = Random::new("weights", [1, 2]);
        let mut order: Vec<u32> = (0..6).collect();
        random.shuffle(&mut order);
        assert_eq!(order, [4, 5, 3, 1, 2, 0]);
        assert_eq!(random.symmetric(1.0), 0.313_424_7);
    }

    #[test]
    fn a_shuffle_keeps_every_item() {
        let mut order: Vec<u32> = (0..1000).collect();
        Random::new("order", [0, 0]).shuffle(&mut order);
        assert!(!order.is_sorted());
        order.sort_unstable();
        assert_eq!(order, (0..1000).collect::<Vec<_>>());
    }
}
