//! How far two samples of a distribution are apart.

use crate::Matrix;

mod columns;
mod distances;
mod histogram;
mod kernel;
mod per_column;
mod steps;

pub use columns::sorted_columns;
pub use distances::{distances_between, distances_within};
pub use kernel::Kernel;
pub use mean_distance::Norm;
pub(in crate::drift) use steps::steps;

/// What a `metrics.…` table builds.
pub trait MetricConfig: Send + Sync {
    /// The distance; it may remember what it computed of an unchanged reference.
    fn init(&self) -> Box<dyn Metric>;

    /// The distance from which on there is drift.
    fn threshold(&self) -> f64;

    /// What is wrong with the table beyond what its types refuse.
    fn check(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A distance between two sets of points.
pub trait Metric: Send {
    /// The distance of `current` from `reference`; both have the same columns and at least two
    /// rows, and all values are finite.
    ///
    /// The result depends on the arguments alone.
    fn distance(&mut self, reference: &Matrix, current: &Matrix) -> f64;
}

driftmill_registry::any_of! {
    /// The `metrics` table of a drift trigger: the distances it measures, with their thresholds.
    MetricTable: dyn MetricConfig {
        mmd: Mmd,
        whitened_mmd: WhitenedMmd,
        ks: Ks,
        cramer_von_mises: CramerVonMises,
        wasserstein: Wasserstein,
        energy: Energy,
        hellinger: Hellinger,
        jensen_shannon: JensenShannon,
        total_variation: TotalVariation,
        psi: Psi,
        kullback_leibler: KullbackLeibler,
        mean_distance: MeanDistance,
        drifted_ratio: DriftedRatio,
    }
}

impl MetricTable {
    /// What is wrong with the table that no single type can refuse.
    pub fn check(&self) -> Vec<String> {
        let named = self.named();
        if named.is_empty() {
            return vec!["name at least one metric, as in metrics.mmd".to_owned()];
        }
        let endless = named.iter().filter(|(_, metric)| !metric.threshold().is_finite());
        let endless =
            endless.map(|(key, _)| format!("{key}: the threshold must be a finite number"));
        let own = |(key, metric): &(&str, &dyn MetricConfig)| {
            metric
                .check()
                .into_iter()
                .map(|problem| format!("{key}: {problem}"))
                .collect::<Vec<_>>()
        };
        endless.chain(named.iter().flat_map(own)).collect()
    }
}
