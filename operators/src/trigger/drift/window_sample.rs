//! Random samples of a window.

use std::collections::VecDeque;

use rand::SeedableRng;
use rand_pcg::Pcg64;

use crate::Id;
use crate::drift::window::Item;
use crate::trigger::WindowBounds;

/// A window of a comparison, and the samples that represent it.
#[derive(Clone, Debug)]
pub(super) struct WindowSample {
    pub(super) bounds: WindowBounds,
    pub(super) ids: Vec<Id>,
}

impl WindowSample {
    /// Draws at most `most` samples of a window. The draw is a function of `seed` and `turn`.
    pub(super) fn of(
        name: &str,
        items: &VecDeque<Item>,
        most: usize,
        seed: u64,
        turn: u64,
    ) -> Self {
        let bounds = WindowBounds::of(name, items.iter());
        if items.len() <= most {
            return Self { bounds, ids: items.iter().map(|(_, id)| *id).collect() };
        }
        let mut random = Pcg64::seed_from_u64(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ turn);
        let mut chosen = rand::seq::index::sample(&mut random, items.len(), most).into_vec();
        chosen.sort_unstable();
        Self { bounds, ids: chosen.into_iter().map(|index| items[index].1).collect() }
    }
}
