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

/// Defines a policy that covers all samples by a greedy set. Its similarity is the constant
/// `SIMILARITY` of the module, and its weights are those of the function `weights`, which takes the
/// coverage, the space and the chosen samples.
macro_rules! coverage_policy {
    ($(#[$about:meta])* $Name:ident) => {
        $(#[$about])*
        ///
        /// Memory holds n·`neighbours` similarities, never n². A sample without a chosen neighbour counts
        /// as if its last neighbour were chosen. Until every sample has a chosen neighbour, large clusters
        /// therefore attract less than with `neighbours = "all"`; from then on there is no difference. All
        /// pairs are compared once, in O(n²·d) time. With `block` the time is O(n·block·d), and each block
        /// contributes its share.
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(default, deny_unknown_fields)]
        pub struct $Name {
            /// The compared vectors (default `gradients_with_embeddings`; `gradients` alone have at most
            /// c − 1 independent directions for c classes, so two opposite ones for two classes).
            pub on: $crate::downsampling::On,
            /// The greedy algorithm (default `lazy`).
            pub greedy: $crate::downsampling::Greedy,
            /// The division of the budget among classes (default `none`).
            pub balance: $crate::downsampling::Balance,
            /// Number of consecutive candidates that are treated as one block (default: all of a class).
            #[serde(skip_serializing_if = "Option::is_none")]
            pub block: Option<std::num::NonZeroUsize>,
            /// Number of neighbours of a sample whose similarities are kept, or `"all"` (default: four
            /// times the number of samples per chosen sample, at least 64 and at most 512).
            #[serde(skip_serializing_if = "Option::is_none")]
            pub neighbours: Option<$crate::downsampling::Neighbours>,
        }

        impl $crate::downsampling::DownsamplingConfig for $Name {
            fn required_scores(&self) -> $crate::downsampling::RequiredScores {
                self.balance.required_with(self.on.required_scores())
            }

            fn check(&self) -> Vec<(&'static str, String)> {
                self.greedy.check()
            }

            fn choose(
                &self,
                given: &$crate::downsampling::SampleScores,
                budget: $crate::downsampling::Budget,
            ) -> Vec<$crate::downsampling::Chosen> {
                use $crate::downsampling::math::{coverage::Coverage, greedy::maximise, space::Space};
                use $crate::downsampling::{Chosen, Neighbours};

                self.balance.choose(self.block, given, budget, |given, budget| {
                    let space = Space::of(self.on, given);
                    let neighbours = Neighbours::count(self.neighbours, given.samples, budget.size);
                    let mut coverage = Coverage::of(&space, SIMILARITY, neighbours);
                    let chosen = maximise(&mut coverage, self.greedy, Vec::new(), budget);
                    let weights = weights(&coverage, &space, &chosen);
                    let weighted = |(index, weight)| Chosen { index, weight };
                    chosen.into_iter().zip(weights).map(weighted).collect()
                })
            }
        }
    };
}
pub(in crate::downsampling) use coverage_policy;
