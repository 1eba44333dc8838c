//! The facility-location objective.

use super::greedy::Objective;
use super::neighbours::{Graph, Similarity};
use super::space::Space;

/// The coverage of all samples by a set: `Σᵢ max_{s ∈ A} Sᵢₛ` (facility location).
///
/// A sample without a neighbour in the set counts with the least similarity that is stored for it. If
/// all similarities are stored, it counts with 0, or with that of the farthest pair for distances.
pub(in crate::downsampling) struct Coverage {
    graph: Graph,
    covered: Vec<f32>,
}

impl Coverage {
    pub(in crate::downsampling) fn of(
        space: &Space,
        similarity: Similarity,
        neighbours: usize,
    ) -> Self {
        let graph = Graph::of(space, similarity, neighbours);
        let covered = graph.floors.clone().unwrap_or_else(|| {
            let least = match similarity {
                Similarity::Cosine => 0.0,
                Similarity::Distance => graph.least(),
            };
            vec![least; graph.samples()]
        });
        Self { graph, covered }
    }

    /// The number of samples that each of `chosen` represents: those it is nearest to. Ties go to the
    /// sample chosen first; each chosen sample represents at least itself.
    pub(in crate::downsampling) fn represented(
        &self,
        space: &Space,
        similarity: Similarity,
        chosen: &[usize],
    ) -> Vec<usize> {
        let mut nearest: Vec<Option<(f32, usize)>> = vec![None; self.graph.samples()];
        for (rank, sample) in chosen.iter().enumerate() {
            for (near, value) in self.graph.near(*sample) {
                let nearest = &mut nearest[*near as usize];
                if nearest.is_none_or(|(most, _)| *value > most) {
                    *nearest = Some((*value, rank));
                }
            }
        }
        for (rank, sample) in chosen.iter().enumerate() {
            nearest[*sample] = Some((f32::INFINITY, rank));
        }
        let mut counts = vec![0; chosen.len()];
        for (sample, nearest) in nearest.iter().enumerate() {
            let far = || {
                let similarities =
                    chosen.iter().map(|other| similarity.between(space, sample, *other));
                let all = similarities.enumerate().rev();
                all.max_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(rank, _)| rank)
            };
            counts[nearest.map_or_else(far, |(_, rank)| rank)] += 1;
        }
        counts
    }
}

impl Objective for Coverage {
    fn len(&self) -> usize {
        self.graph.samples()
    }

    fn gain(&mut self, sample: usize) -> f64 {
        let more = |(near, value): &(u32, f32)| (value - self.covered[*near as usize]).max(0.0);
        self.graph.near(sample).iter().map(more).map(f64::from).sum()
    }

    fn add(&mut self, sample: usize) {
        for (near, value) in self.graph.near(sample) {
            let covered = &mut self.covered[*near as usize];
            *covered = covered.max(*value);
        }
    }
}
