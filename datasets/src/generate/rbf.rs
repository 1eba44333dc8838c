//! The generator of moving clouds of samples (random RBF).

use std::num::{NonZeroU16, NonZeroU32, NonZeroU64};
use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::random::{Draw, feature, number, random};
use super::{Generator, GeneratorConfig};
use crate::{Columns, DatasetError, NonNegative, Schema, Timestamp, ValueType};

pub(super) const EXAMPLE: &str = "length = 10000";

/// Clouds of samples around random centres that move in straight lines.
///
/// A sample belongs to centre k with probability wₖ / Σ w and has the class of the centre. It lies
/// in a random direction from the centre, at a distance drawn from N(0, σₖ²). Weights and σ are
/// uniform between 0 and 1. Centres start at uniform points of the unit cube and are reflected at
/// its sides:
///
/// ```text
/// centre(i) = fold(p + speed · i · v)        |v| = 1
/// fold(y) = |y − 2 · round(y / 2)|
/// ```
///
/// Reference: Bifet, Holmes, Pfahringer, Kirkby and Gavaldà, *New ensemble methods for evolving
/// data streams*, KDD 2009 (`RandomRBFGeneratorDrift` of MOA).
///
/// ```
/// use driftmill_datasets::generate::{GeneratorConfig, Rbf};
///
/// let rbf: Rbf = toml::from_str("features = 3\nclasses = 5\nspeed = 0.001").unwrap();
/// assert_eq!((rbf.schema().width(), rbf.classes()), (3, 5));
/// assert!(rbf.change_points().is_empty());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rbf {
    /// Number of features. Default: 10.
    pub features: NonZeroU16,
    /// Number of classes, which are assigned to the centres in turn. Default: 2.
    pub classes: NonZeroU16,
    /// Number of centres. Default: 50.
    pub centres: NonZeroU16,
    /// Distance that each centre moves per sample, in sides of the cube. Default: 0.0001.
    pub speed: NonNegative,
    /// Samples in the stream. Default: 10,000.
    pub length: NonZeroU64,
    /// Seed of all randomness. Default: 0.
    pub seed: u64,
    /// Event time of the first sample. Default: 1970-01-01.
    pub start: Timestamp,
    /// Milliseconds from one sample to the next. Default: 1,000.
    pub step_ms: NonZeroU32,
}

impl Default for Rbf {
    fn default() -> Self {
        Self {
            features: NonZeroU16::new(10).expect("not zero"),
            classes: NonZeroU16::new(2).expect("not zero"),
            centres: NonZeroU16::new(50).expect("not zero"),
            speed: 0.0001.try_into().expect("not negative"),
            length: NonZeroU64::new(10_000).expect("not zero"),
            seed: 0,
            start: Timestamp::default(),
            step_ms: NonZeroU32::new(1_000).expect("not zero"),
        }
    }
}

impl GeneratorConfig for Rbf {
    fn schema(&self) -> Schema {
        Schema { value: ValueType::F32, shape: vec![self.features.get().into()] }
    }

    fn classes(&self) -> u32 {
        self.classes.get().into()
    }

    fn len(&self) -> u64 {
        self.length.get()
    }

    fn change_points(&self) -> Vec<u64> {
        Vec::new()
    }

    fn init(&self) -> Result<Box<dyn Generator>, DatasetError> {
        let mut weight = 0.0;
        let centre = |number| {
            let mut random = random(self.seed, "rbf/centres", u64::from(number));
            weight += random.uniform();
            Centre {
                class: u32::from(number % self.classes),
                weight,
                deviation: random.uniform(),
                start: (0..self.features.get()).map(|_| random.uniform()).collect(),
                direction: random.direction(self.features.get().into()),
            }
        };
        let centres = (0..self.centres.get()).map(centre).collect();
        Ok(Box::new(RbfGenerator { config: self.clone(), centres, weight }))
    }

    fn check(&self) -> Vec<(&'static str, String)> {
        if self.centres < self.classes {
            return vec![("centres", format!("wanted one for each of {} classes", self.classes))];
        }
        Vec::new()
    }
}

struct Centre {
    class: u32,
    /// Sum of the weights of this and all earlier centres.
    weight: f64,
    deviation: f64,
    start: Vec<f64>,
    direction: Vec<f64>,
}

struct RbfGenerator {
    config: Rbf,
    centres: Vec<Centre>,
    /// Sum of all weights.
    weight: f64,
}

impl Generator for RbfGenerator {
    fn fill(&mut self, range: Range<u64>, columns: &mut Columns) {
        for index in range {
            let mut random = random(self.config.seed, "rbf", index);
            let draw = random.uniform() * self.weight;
            let chosen = self.centres.partition_point(|centre| centre.weight <= draw);
            let centre = &self.centres[chosen.min(self.centres.len() - 1)];
            let distance = centre.deviation * random.normal();
            let moved = self.config.speed.get() * number(index);
            let offset = random.direction(self.config.features.get().into());
            let axes = centre.start.iter().zip(&centre.direction).zip(offset);
            columns.values.floats().extend(
                axes.map(|((p, v), offset)| feature(fold(p + moved * v) + distance * offset)),
            );
            let time = self.config.start.after(index, self.config.step_ms.get());
            columns.finish_row(Some(time), Some(centre.class));
        }
    }
}

/// The position of a point that moves on a line and is reflected at 0 and 1.
fn fold(y: f64) -> f64 {
    (y - 2.0 * (y / 2.0).round()).abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_reflected_at_the_sides() {
        let positions = [0.0, 0.75, 1.25, 2.0, 2.5, -0.25, -1.5, -2.25];
        assert_eq!(positions.map(fold), [0.0, 0.75, 0.75, 0.0, 0.5, 0.25, 0.5, 0.25]);
    }

    #[test]
    fn every_class_occurs() {
        let config = Rbf { classes: 5.try_into().unwrap(), ..Rbf::default() };
        let mut columns = Columns::new(config.schema());
        config.init().unwrap().fill(0..1_000, &mut columns);
        for class in 0..5 {
            assert!(columns.labels.contains(&Some(class)), "{class}");
        }
    }
}
