//! Generators of seeded streams with known change points.

use std::ops::Range;

use crate::{Columns, DatasetError, Schema};

mod idx;
mod random;

/// The configuration of a generator: a `[source.generator.…]` table.
pub trait GeneratorConfig: Send + Sync {
    /// Shape and type of the features that this generator makes.
    fn schema(&self) -> Schema;

    /// Number of classes.
    fn classes(&self) -> u32;

    /// Number of samples in the whole stream.
    fn len(&self) -> u64;

    /// Whether the stream has no samples.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Indices of the samples at which the concept changes abruptly, or at which a change begins
    /// or ends, in order. Empty for a stream that changes all the time or never.
    fn change_points(&self) -> Vec<u64>;

    /// Creates the generator. Equal configurations make equal streams.
    ///
    /// # Errors
    /// When a file that the table names cannot be read or has other content.
    fn init(&self) -> Result<Box<dyn Generator>, DatasetError>;

    /// Problems of the table that its types cannot detect, as `(key, problem)`.
    fn check(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}

/// A stream of samples. Each sample is a function of the seed and its index alone.
pub trait Generator: Send {
    /// Appends the samples of `range` (indices into the whole stream, in event-time order) to
    /// `columns`. Every sample has a time and a label.
    ///
    /// # Panics
    /// May panic when `range` ends after the stream, or `columns` have another schema.
    fn fill(&mut self, range: Range<u64>, columns: &mut Columns);
}

driftmill_registry::one_of! {
    /// The `[source.generator]` table of a pipeline file.
    #[derive(schemars::JsonSchema)]
    GeneratorTable: dyn GeneratorConfig {
        sea: Sea,
        hyperplane: Hyperplane,
        rbf: Rbf,
        portraits: Portraits,
        rotating_digits: RotatingDigits,
    }
}

pub use self::hyperplane::{Dimensions, DimensionsError};
pub use self::portraits::{Change, ChangeError};
pub use self::rotating_digits::Mode;
pub use self::sea::{Thresholds, ThresholdsError};

/// Indices of the first samples of `concepts` concepts of equal length, without the first concept.
fn even_changes(len: u64, concepts: u64) -> Vec<u64> {
    let first = |concept: u64| (u128::from(concept) * u128::from(len)).div_ceil(concepts.into());
    let mut changes: Vec<u64> = (1..concepts)
        .map(|concept| u64::try_from(first(concept)).expect("no later than the end"))
        .filter(|&change| change > 0 && change < len)
        .collect();
    changes.dedup();
    changes
}

/// The concept of sample `index` among `concepts` concepts of equal length.
fn even_concept(index: u64, len: u64, concepts: u64) -> u64 {
    let concept = u128::from(index) * u128::from(concepts) / u128::from(len);
    u64::try_from(concept).map_or(concepts - 1, |concept| concept.min(concepts - 1))
}
