//! The generator of a rotating hyperplane.

use std::num::{NonZeroU32, NonZeroU64};
use std::ops::Range;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::random::{Draw, feature, normalise, number, random};
use super::{Generator, GeneratorConfig};
use crate::{Columns, DatasetError, NonNegative, Probability, Schema, Timestamp, ValueType};

pub(super) const EXAMPLE: &str = "length = 10000";

/// A hyperplane through the centre of the unit cube that rotates at a constant rate.
///
/// Features are uniform between 0 and 1. The weights rotate in the plane of two orthogonal
/// directions u and v, which are random functions of the seed:
///
/// ```text
/// w(i) = u cos α + v sin α        α = degrees · i / length
/// class = 1 if Σ wₖ xₖ ≥ ½ Σ wₖ, else 0
/// ```
///
/// The angle is known for every sample, while Hulten and others change single weights in small
/// steps. Both classes are equally frequent at all times, as in their stream. The classes of a
/// share `noise` of the samples are swapped.
///
/// Reference: Hulten, Spencer and Domingos, *Mining time-changing data streams*, KDD 2001.
///
/// ```
/// use driftmill_datasets::generate::{GeneratorConfig, Hyperplane};
///
/// let plane: Hyperplane = toml::from_str("features = 4\ndegrees = 90").unwrap();
/// assert_eq!(plane.schema().shape, [4]);
/// assert!(plane.change_points().is_empty());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Hyperplane {
    /// Number of features, at least 2. Default: 10.
    pub features: Dimensions,
    /// Rotation of the hyperplane from the first sample to the last, in degrees; after 180 the
    /// classes have swapped sides. Default: 180.
    pub degrees: NonNegative,
    /// Share of samples whose class is swapped. Default: 0.05.
    pub noise: Probability,
    /// Samples in the stream. Default: 10,000.
    pub length: NonZeroU64,
    /// Seed of all randomness. Default: 0.
    pub seed: u64,
    /// Event time of the first sample. Default: 1970-01-01.
    pub start: Timestamp,
    /// Milliseconds from one sample to the next. Default: 1,000.
    pub step_ms: NonZeroU32,
}

/// A number of dimensions that allows a rotation: 2 to 65,535.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "u16")]
#[schemars(extend("minimum" = 2))]
pub struct Dimensions(u16);

/// The error for an invalid number of dimensions.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("wanted at least 2, found {0}")]
pub struct DimensionsError(u16);

impl TryFrom<u16> for Dimensions {
    type Error = DimensionsError;

    fn try_from(dimensions: u16) -> Result<Self, DimensionsError> {
        if dimensions < 2 { Err(DimensionsError(dimensions)) } else { Ok(Self(dimensions)) }
    }
}

impl Default for Hyperplane {
    fn default() -> Self {
        Self {
            features: Dimensions(10),
            degrees: 180.0.try_into().expect("not negative"),
            noise: 0.05.try_into().expect("a probability"),
            length: NonZeroU64::new(10_000).expect("not zero"),
            seed: 0,
            start: Timestamp::default(),
            step_ms: NonZeroU32::new(1_000).expect("not zero"),
        }
    }
}

impl GeneratorConfig for Hyperplane {
    fn schema(&self) -> Schema {
        Schema { value: ValueType::F32, shape: vec![self.features.0.into()] }
    }

    fn classes(&self) -> u32 {
        2
    }

    fn len(&self) -> u64 {
        self.length.get()
    }

    fn change_points(&self) -> Vec<u64> {
        Vec::new()
    }

    fn init(&self) -> Result<Box<dyn Generator>, DatasetError> {
        let mut random = random(self.seed, "hyperplane/weights", 0);
        let first = random.direction(self.features.0.into());
        let mut second = random.direction(self.features.0.into());
        // subtract the component along the first direction from the second (Gram-Schmidt).
        let along: f64 = first.iter().zip(&second).map(|(u, v)| u * v).sum();
        second.iter_mut().zip(&first).for_each(|(v, u)| *v -= along * u);
        normalise(&mut second);
        Ok(Box::new(HyperplaneGenerator { config: self.clone(), first, second }))
    }
}

struct HyperplaneGenerator {
    config: Hyperplane,
    first: Vec<f64>,
    second: Vec<f64>,
}

impl HyperplaneGenerator {
    /// Sine and cosine of the angle at sample `index`.
    fn rotation(&self, index: u64) -> (f64, f64) {
        let share = number(index) / number(self.config.len());
        libm::sincos((self.config.degrees.get() * share).to_radians())
    }
}

impl Generator for HyperplaneGenerator {
    fn fill(&mut self, range: Range<u64>, columns: &mut Columns) {
        for index in range {
            let mut random = random(self.config.seed, "hyperplane", index);
            let (sin, cos) = self.rotation(index);
            let mut side = 0.0;
            for (u, v) in self.first.iter().zip(&self.second) {
                let x = feature(random.uniform());
                side += (u * cos + v * sin) * (f64::from(x) - 0.5);
                columns.values.floats().push(x);
            }
            let swapped = random.happens(self.config.noise.get());
            let time = self.config.start.after(index, self.config.step_ms.get());
            columns.finish_row(Some(time), Some(u32::from((side >= 0.0) != swapped)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_turn_swaps_the_classes() {
        let noiseless = Hyperplane { noise: 0.0.try_into().unwrap(), ..Hyperplane::default() };
        let weights = |config: &Hyperplane, index: u64| {
            let mut columns = Columns::new(config.schema());
            config.init().unwrap().fill(index..index + 500, &mut columns);
            // the direction of class 1, from the means of the classes.
            let mut mean = vec![0.0; 10];
            for (x, label) in columns.values.floats().chunks(10).zip(&columns.labels) {
                let sign = if *label == Some(1) { 1.0 } else { -1.0 };
                mean.iter_mut().zip(x).for_each(|(m, x)| *m += sign * (f64::from(*x) - 0.5));
            }
            normalise(&mut mean);
            mean
        };
        let (start, end) = (weights(&noiseless, 0), weights(&noiseless, 9_500));
        let cosine: f64 = start.iter().zip(&end).map(|(a, b)| a * b).sum();
        assert!(cosine < -0.85, "{cosine}");
    }
}
