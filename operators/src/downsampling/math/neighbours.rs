//! The graph of nearest neighbours.

use std::num::NonZeroUsize;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::space::{Blocks, Space};
use crate::drift::metric::STEP;

/// The number of neighbours of a sample whose similarities are stored, including the sample itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged, expecting = "wanted a number of neighbours, or \"all\"")]
pub enum Neighbours {
    /// This number of nearest samples.
    Nearest(NonZeroUsize),
    /// All samples: memory grows with the square of their number.
    All(All),
}

/// The word `"all"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum All {
    /// All samples.
    All,
}

impl Neighbours {
    /// The number of neighbours if `size` of `samples` are chosen. The default is four times the number
    /// of samples per chosen sample, between 64 and 512.
    pub(in crate::downsampling) fn count(this: Option<Self>, samples: usize, size: usize) -> usize {
        let count = match this {
            Some(Self::All(_)) => samples,
            Some(Self::Nearest(count)) => count.get(),
            None => (4 * samples.div_ceil(size.max(1))).clamp(64, 512),
        };
        count.min(samples)
    }
}

/// The similarity of two vectors; larger for more similar vectors.
#[derive(Clone, Copy, PartialEq)]
pub(in crate::downsampling) enum Similarity {
    /// `½ + ½ cos(a, b)`, from 0 to 1.
    Cosine,
    /// `−‖a − b‖`.
    Distance,
}

impl Similarity {
    /// The similarity of two vectors with lengths `a` and `b` and cosine 1 − `apart`.
    #[inline(always)]
    fn of(self, apart: f32, a: f32, b: f32) -> f32 {
        match self {
            Self::Cosine => (1.0 - 0.5 * apart).max(0.0),
            Self::Distance => -((a - b) * (a - b) + 2.0 * a * b * apart).max(0.0).sqrt(),
        }
    }

    /// The similarity of two samples.
    pub(in crate::downsampling) fn between(self, space: &Space, one: usize, other: usize) -> f32 {
        let [a, b] = [one, other].map(|sample| space.lengths[sample]);
        // a sample without a direction has the highest similarity to itself, too.
        let same = if one == other { 0.0 } else { space.apart(one, other) };
        self.of(same, a, b)
    }
}

/// The similarities of each sample to its nearest samples.
pub(in crate::downsampling) struct Graph {
    /// The start of each sample's entries, and the end of all.
    starts: Vec<usize>,
    /// The samples that have a sample among their nearest, in ascending order, with similarities.
    entries: Vec<(u32, f32)>,
    /// The least stored similarity of each sample; none if all are stored.
    pub(in crate::downsampling) floors: Option<Vec<f32>>,
}

impl Graph {
    /// Finds the `count` nearest samples of each sample, including itself. Ties go to the first.
    ///
    /// All pairs are computed in blocks on all cores; n · `count` similarities are stored.
    pub(in crate::downsampling) fn of(space: &Space, similarity: Similarity, count: usize) -> Self {
        let samples = space.len();
        let blocks = space.blocks();
        let mut lists = Lists::of(samples, count);
        let wave = (WAVE / (STEP * samples).max(1)).clamp(2, 16);
        let numbers: Vec<usize> = (0..samples.div_ceil(STEP)).collect();
        for wave in numbers.chunks(wave) {
            let block = |number: &usize| Block::of(&blocks, space, similarity, number * STEP);
            let found: Vec<Block> = wave.par_iter().map(block).collect();
            lists.offer(&found, samples);
        }
        let own = |sample| similarity.between(space, sample, sample);
        lists.finish((0..samples).map(own))
    }

    /// The samples that have `sample` among their nearest, with similarities.
    pub(in crate::downsampling) fn near(&self, sample: usize) -> &[(u32, f32)] {
        &self.entries[self.starts[sample]..self.starts[sample + 1]]
    }

    /// The least stored similarity.
    pub(in crate::downsampling) fn least(&self) -> f32 {
        self.entries.iter().map(|(_, value)| *value).fold(f32::INFINITY, f32::min)
    }

    pub(in crate::downsampling) fn samples(&self) -> usize {
        self.starts.len() - 1
    }
}

/// Number of similarities that are computed before the lists are updated.
const WAVE: usize = 1 << 24;

/// Similarities of some samples to later ones.
struct Block {
    first: usize,
    values: Vec<f32>,
}

impl Block {
    fn of(blocks: &Blocks<'_>, space: &Space, similarity: Similarity, first: usize) -> Self {
        let cols = space.len() - first;
        let mut values = vec![0.0; STEP.min(cols) * cols];
        blocks.fill(&mut values, first, &mut Vec::new());
        let lengths = &space.lengths[first..];
        for (row, length) in values.chunks_exact_mut(cols).zip(lengths) {
            let all = row.iter_mut().zip(lengths);
            all.for_each(|(value, other)| *value = similarity.of(*value, *length, *other));
        }
        Self { first, values }
    }

    /// Each sample of the block, with its similarities to all samples from `first` on.
    fn rows(&self, samples: usize) -> impl Iterator<Item = (usize, &[f32])> {
        (self.first..).zip(self.values.chunks_exact(samples - self.first))
    }
}

/// The nearest samples found so far. The final lists do not depend on the order of offers.
struct Lists {
    count: usize,
    kept: Vec<Vec<(f32, u32)>>,
    /// Similarities below this are not among the nearest.
    least: Vec<f32>,
}

/// Number of samples whose lists one core updates at a time.
const CHUNK: usize = 64;

impl Lists {
    fn of(samples: usize, count: usize) -> Self {
        // one entry is the sample itself.
        let count = count.saturating_sub(1);
        let least = if count == 0 { f32::INFINITY } else { f32::NEG_INFINITY };
        Self { count, kept: vec![Vec::new(); samples], least: vec![least; samples] }
    }

    fn offer(&mut self, blocks: &[Block], samples: usize) {
        let count = self.count;
        let lists = self.kept.par_chunks_mut(CHUNK).zip(self.least.par_chunks_mut(CHUNK));
        lists.enumerate().for_each(|(number, (kept, least))| {
            let own = number * CHUNK..number * CHUNK + kept.len();
            for block in blocks {
                for (sample, values) in block.rows(samples) {
                    // to later ones.
                    if own.contains(&sample) {
                        let (kept, least) =
                            (&mut kept[sample - own.start], &mut least[sample - own.start]);
                        for (other, value) in
                            (block.first..).zip(values).skip(sample + 1 - block.first)
                        {
                            offer(kept, least, count, (*value, other as u32));
                        }
                    }
                    // from earlier ones.
                    let from = own.start.max(sample + 1);
                    if from < own.end {
                        let values = &values[from - block.first..own.end - block.first];
                        let skipped = from - own.start;
                        for ((kept, least), value) in
                            kept[skipped..].iter_mut().zip(&mut least[skipped..]).zip(values)
                        {
                            offer(kept, least, count, (*value, sample as u32));
                        }
                    }
                }
            }
        });
    }

    fn finish(mut self, own: impl Iterator<Item = f32>) -> Graph {
        let samples = self.kept.len();
        let count = self.count;
        self.kept.par_iter_mut().for_each(|kept| prune(kept, count));
        let mut starts = vec![0; samples + 1];
        for (sample, (kept, own)) in self.kept.iter_mut().zip(own).enumerate() {
            kept.push((own, sample as u32));
            kept.iter().for_each(|(_, other)| starts[*other as usize + 1] += 1);
        }
        for sample in 0..samples {
            starts[sample + 1] += starts[sample];
        }
        let mut next = starts.clone();
        let mut entries = vec![(0, 0.0); starts[samples]];
        for (sample, kept) in self.kept.iter().enumerate() {
            for (value, other) in kept {
                entries[next[*other as usize]] = (sample as u32, *value);
                next[*other as usize] += 1;
            }
        }
        let least = |kept: &Vec<(f32, u32)>| {
            kept.iter().map(|(value, _)| *value).fold(f32::INFINITY, f32::min)
        };
        let floors = (count + 1 < samples).then(|| self.kept.iter().map(least).collect());
        Graph { starts, entries, floors }
    }
}

/// Adds a candidate. The list is pruned when it has twice as many as wanted.
#[inline(always)]
fn offer(kept: &mut Vec<(f32, u32)>, least: &mut f32, count: usize, found: (f32, u32)) {
    if found.0 >= *least {
        kept.push(found);
        if kept.len() == 2 * count {
            prune(kept, count);
            *least = kept.iter().map(|(value, _)| *value).fold(f32::INFINITY, f32::min);
        }
    }
}

/// Keeps the nearest samples; ties go to the first.
fn prune(kept: &mut Vec<(f32, u32)>, count: usize) {
    if kept.len() > count {
        kept.select_nth_unstable_by(count, |a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        kept.truncate(count);
    }
}
