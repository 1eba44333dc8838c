//! The generator of rotating digits.

use std::num::{NonZeroU32, NonZeroU64};
use std::ops::Range;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::rotate::{SIDE, rotate};
use super::idx::{self, Wanted};
use super::random::{Draw, number, random};
use super::{Generator, GeneratorConfig, even_changes, even_concept};
use crate::{Columns, DatasetError, NonNegative, Schema, Timestamp, ValueType};

mod rotate;

pub(super) const EXAMPLE: &str =
    "images = \"train-images-idx3-ubyte.gz\"\nlabels = \"train-labels-idx1-ubyte.gz\"";

const IMAGES: Wanted = Wanted { what: "an IDX file of images of 28 × 28", sides: 3 };
const LABELS: Wanted = Wanted { what: "an IDX file of as many labels from 0 to 9", sides: 1 };

/// Default number of steps of the abrupt mode.
const STEPS: NonZeroU32 = NonZeroU32::new(6).expect("not zero");

/// The digits of MNIST, rotated by an angle that grows along the stream.
///
/// Real images with a drift of known size. Digit i is rotated counter-clockwise by
///
/// ```text
/// gradual    degrees · i / length
/// abrupt     degrees · k / steps        k = ⌊steps · i / length⌋
/// ```
///
/// and its pixels are interpolated between their four neighbours. The digits are in a random order
/// that depends on the seed, because the second half of MNIST's test file is harder than the first.
/// When all digits have been used, the stream repeats them in another order.
///
/// Reference: LeCun, Bottou, Bengio and Haffner, *Gradient-based learning applied to document
/// recognition*, Proceedings of the IEEE, 1998.
///
/// ```
/// use driftmill_datasets::generate::{GeneratorConfig, RotatingDigits};
///
/// let digits: RotatingDigits = toml::from_str(
///     r#"
///     images = "no/such/file.gz"
///     labels = "no/such/file.gz"
///     mode = "abrupt"
///     steps = 4
///     "#,
/// )
/// .unwrap();
/// assert_eq!(digits.change_points(), [2_500, 5_000, 7_500]);
///
/// let error = digits.init().err().unwrap().to_string();
/// assert!(error.starts_with("reading `no/such/file.gz`: wanted an IDX file of images"));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RotatingDigits {
    /// File of the images in IDX format, compressed with gzip or not; relative to the working
    /// directory.
    pub images: PathBuf,
    /// File of their labels.
    pub labels: PathBuf,
    /// Growth of the angle: `gradual` (default) or `abrupt`.
    #[serde(default)]
    pub mode: Mode,
    /// Number of angles of the abrupt mode. Default: 6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<NonZeroU32>,
    /// The angle that the stream approaches, in degrees. Default: 180.
    #[serde(default = "half_a_turn")]
    pub degrees: NonNegative,
    /// Samples in the stream. Default: 10,000.
    #[serde(default = "ten_thousand")]
    pub length: NonZeroU64,
    /// Seed of the order of the digits. Default: 0.
    #[serde(default)]
    pub seed: u64,
    /// Event time of the first sample. Default: 1970-01-01.
    #[serde(default)]
    pub start: Timestamp,
    /// Milliseconds from one sample to the next. Default: 1,000.
    #[serde(default = "one_second")]
    pub step_ms: NonZeroU32,
}

/// The growth of the angle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// A small step with each sample.
    #[default]
    Gradual,
    /// In a few equal steps.
    Abrupt,
}

fn half_a_turn() -> NonNegative {
    180.0.try_into().expect("not negative")
}

fn ten_thousand() -> NonZeroU64 {
    NonZeroU64::new(10_000).expect("not zero")
}

fn one_second() -> NonZeroU32 {
    NonZeroU32::new(1_000).expect("not zero")
}

impl RotatingDigits {
    /// Number of angles in the abrupt mode.
    fn angles(&self) -> u64 {
        u64::from(self.steps.unwrap_or(STEPS).get())
    }

    /// The angle of sample `index`, in radians.
    fn angle(&self, index: u64) -> f64 {
        let share = match self.mode {
            Mode::Gradual => number(index) / number(self.len()),
            Mode::Abrupt => {
                number(even_concept(index, self.len(), self.angles())) / number(self.angles())
            }
        };
        (self.degrees.get() * share).to_radians()
    }
}

impl GeneratorConfig for RotatingDigits {
    fn schema(&self) -> Schema {
        Schema { value: ValueType::U8, shape: vec![1, SIDE, SIDE] }
    }

    fn classes(&self) -> u32 {
        10
    }

    fn len(&self) -> u64 {
        self.length.get()
    }

    fn change_points(&self) -> Vec<u64> {
        match self.mode {
            Mode::Gradual => Vec::new(),
            Mode::Abrupt => even_changes(self.len(), self.angles()),
        }
    }

    fn init(&self) -> Result<Box<dyn Generator>, DatasetError> {
        let images = idx::read(&self.images, IMAGES)?;
        if images.sides[1..] != [SIDE, SIDE] || images.sides[0] == 0 {
            let found = format!("an array of {:?}", images.sides);
            return Err(idx::mismatch(&self.images, IMAGES, found));
        }
        let labels = idx::read(&self.labels, LABELS)?;
        if labels.sides[0] != images.sides[0] {
            let found = format!("{} for {} images", labels.sides[0], images.sides[0]);
            return Err(idx::mismatch(&self.labels, LABELS, found));
        }
        if let Some(label) = labels.bytes.iter().find(|label| **label > 9) {
            return Err(idx::mismatch(&self.labels, LABELS, format!("a label of {label}")));
        }
        Ok(Box::new(RotatingDigitsGenerator {
            config: self.clone(),
            images: images.bytes,
            labels: labels.bytes,
            pass: None,
        }))
    }

    fn check(&self) -> Vec<(&'static str, String)> {
        match (self.mode, self.steps) {
            (Mode::Gradual, Some(_)) => vec![("steps", "needs `mode = \"abrupt\"`".to_owned())],
            _ => Vec::new(),
        }
    }
}

struct RotatingDigitsGenerator {
    config: RotatingDigits,
    images: Vec<u8>,
    labels: Vec<u8>,
    /// The order of the digits in the pass that was asked for last.
    pass: Option<Pass>,
}

/// One pass over all digits.
struct Pass {
    number: u64,
    /// Indices of the digits, in the order of this pass.
    order: Vec<usize>,
}

impl RotatingDigitsGenerator {
    /// The digit of sample `index`.
    fn digit(&mut self, index: u64) -> usize {
        let count = self.labels.len();
        let (number, position) = (index / count as u64, index % count as u64);
        let pass = match self.pass.take().filter(|pass| pass.number == number) {
            Some(pass) => pass,
            None => {
                let mut random = random(self.config.seed, "rotating_digits", number);
                let mut order: Vec<usize> = (0..count).collect();
                for last in (1..count).rev() {
                    order.swap(last, below(last + 1, random.uniform()));
                }
                Pass { number, order }
            }
        };
        let digit = pass.order[usize::try_from(position).expect("one of the digits")];
        self.pass = Some(pass);
        digit
    }
}

/// Maps a share from 0 up to 1 to a whole number below `bound`.
fn below(bound: usize, share: f64) -> usize {
    (share * number(bound as u64)) as usize
}

impl Generator for RotatingDigitsGenerator {
    fn fill(&mut self, range: Range<u64>, columns: &mut Columns) {
        for index in range {
            let digit = self.digit(index);
            let image = &self.images[digit * SIDE * SIDE..][..SIDE * SIDE];
            rotate(image, self.config.angle(index), columns.values.bytes());
            let time = self.config.start.after(index, self.config.step_ms.get());
            columns.finish_row(Some(time), Some(self.labels[digit].into()));
        }
    }
}

#[cfg(test)]
mod tests;
