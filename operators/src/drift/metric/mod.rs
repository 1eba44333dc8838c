//! Metrics: distances between two samples of points.

use crate::Matrix;
use crate::criterion::{Criterion, Direction, Measured, Significance};
use crate::named::check_named;

mod columns;
mod config;
mod distances;
mod histogram;
mod kernel;
mod linear_mmd;
mod panels;
mod per_column;
mod permutation;
mod shuffled_mmd;
mod steps;
mod tested;

pub use columns::sorted_columns;
pub use distances::{Block, distances_between, distances_within};
pub use kernel::Kernel;
pub use mean_distance::Norm;
pub use mmd::Estimate;
#[cfg(feature = "downsampling")]
pub(crate) use panels::{Panels, STEP};
pub(in crate::drift) use steps::steps;
pub use tested::Tested;

/// The configuration of a metric: a `metrics.…` table.
pub trait MetricConfig: Send + Sync {
    /// Creates the metric, which may cache computations for an unchanged reference.
    fn init(&self) -> Box<dyn Metric>;

    /// The criterion for a drift.
    fn threshold(&self) -> &Criterion;

    /// The distance without drift (default 0).
    fn neutral(&self) -> f64 {
        0.0
    }

    /// Whether the distribution of the distance without drift is known, so that p-values need no
    /// permutations (default no).
    fn has_null_distribution(&self) -> bool {
        false
    }

    /// Problems of the table that its types cannot detect.
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

    /// The distance and its p-values, the probabilities of a distance at least as large without drift.
    /// The default is a permutation test.
    fn test(&mut self, reference: &Matrix, current: &Matrix, level: &Significance) -> Tested {
        let mut distance = |x: &Matrix, y: &Matrix| self.distance(x, y);
        permutation::by_shuffling(&mut distance, [reference, current], level)
    }
}

pub(crate) use chi_squared::survival;
pub(crate) use fisher::p_value as fisher_p_value;

/// Measures the distance of two samples, and its p-value if `criterion` needs one.
pub fn measure(
    metric: &mut dyn Metric,
    criterion: &Criterion,
    reference: &Matrix,
    current: &Matrix,
) -> Measured {
    let Some(significance) = criterion.significance() else {
        return metric.distance(reference, current).into();
    };
    let Tested { value, p_values } = metric.test(reference, current, significance);
    Measured { value, p_value: Some(significance.correction.combine(&p_values)) }
}

driftmill_registry::any_of! {
    /// The `metrics` table of a drift trigger: the distances it measures, with their thresholds.
    #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
        chi_squared: ChiSquared,
        fisher: Fisher,
        lsdd: Lsdd,
        domain_classifier: DomainClassifier,
    }
}

impl MetricTable {
    /// Problems of the table that its types cannot detect, each with its key.
    pub fn check(&self) -> Vec<String> {
        check_named(&self.named(), "metrics.mmd", |metric| {
            let mut problems = metric.threshold().check(Direction::Higher);
            problems.extend(unreachable(metric));
            problems.extend(metric.check());
            problems
        })
    }
}

/// The problem of a significance level that no permutation test can reach.
fn unreachable(metric: &dyn MetricConfig) -> Option<String> {
    let significance =
        metric.threshold().significance().filter(|_| !metric.has_null_distribution())?;
    let least = 1.0 / (significance.permutations.get() as f64 + 1.0);
    (significance.p_value <= least).then(|| {
        let permutations = significance.permutations;
        format!("with {permutations} permutations no p-value is below {least:.2e}")
    })
}
