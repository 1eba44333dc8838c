//! Sequential change detectors, which process a stream value by value.

use crate::Snapshot;

mod direction;
mod hddm;
mod running;

pub use direction::Direction;

/// The configuration of a detector: a `detector.…` table.
pub trait DetectorConfig: Send + Sync {
    /// Creates the detector, without any values.
    fn init(&self) -> Box<dyn Detector>;

    /// The values that the detector accepts.
    fn domain(&self) -> Domain;

    /// The main parameter, which controls how readily the detector fires.
    fn parameter(&self) -> Parameter;

    /// The same configuration with another value of the main parameter. The level of warnings follows
    /// if it would be stricter than that of drifts.
    fn with_parameter(&self, value: f64) -> Box<dyn DetectorConfig>;

    /// Problems of the table that its types cannot detect.
    fn check(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The main parameter of a detector, with the range for a search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameter {
    /// Its name in pipeline files.
    pub name: &'static str,
    /// Its value. All values here are above 0.
    pub value: f64,
    /// A value with which the detector fires about as often as possible.
    pub lax: f64,
    /// A value with which the detector rarely fires; it may be lower or higher than `lax`.
    pub strict: f64,
    /// Name and value of another parameter that follows the main one if necessary.
    pub follows: Option<(&'static str, f64)>,
}

/// Watches a stream of values for a change of their distribution.
///
/// The signals depend on the values alone. After [`Signal::Drift`] the detector restarts with the next
/// value.
///
/// Values outside the [`Domain`], such as NaN, are an error of the caller: a debug build panics, a
/// release build ignores the value.
pub trait Detector: Snapshot + Send {
    /// Processes one value and returns the signal after it.
    fn observe(&mut self, value: f64) -> Signal;

    /// The evidence for the last signal; none if the last value was not tested.
    fn evidence(&self) -> Option<Evidence>;

    /// Restarts without any values.
    fn restart(&mut self);
}

/// The signal of a detector after a value.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
)]
pub enum Signal {
    /// No change.
    #[default]
    None,
    /// A possible change.
    Warning,
    /// A change.
    Drift,
}

/// The statistic of a detector and its bound. A drift is a statistic beyond the bound.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Evidence {
    /// The statistic after the last value.
    pub statistic: f64,
    /// Its bound.
    pub bound: f64,
}

/// The values that a detector accepts. Each domain is a subset of the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Domain {
    /// 0 (right) and 1 (wrong).
    Binary,
    /// From 0 to 1.
    Unit,
    /// All numbers in the range of 32-bit floats, whose sums of squares are finite.
    Real,
}

impl Domain {
    /// Whether the domain contains `value`.
    pub fn contains(self, value: f64) -> bool {
        match self {
            Self::Binary => value == 0.0 || value == 1.0,
            Self::Unit => (0.0..=1.0).contains(&value),
            Self::Real => value.abs() <= f64::from(f32::MAX),
        }
    }
}

driftmill_registry::one_of! {
    /// The `detector` table of a sequential trigger.
    #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
    DetectorTable: dyn DetectorConfig {
        adwin: Adwin = "",
        page_hinkley: PageHinkley = "",
        cusum: Cusum = "",
        ddm: Ddm = "",
        eddm: Eddm = "",
        hddm_a: HddmA = "",
        hddm_w: HddmW = "",
        kswin: Kswin = "",
    }
}

/// The texts of the rules that do not hold.
fn problems<const N: usize>(rules: [(bool, &str); N]) -> Vec<String> {
    rules.iter().filter(|(holds, _)| !holds).map(|(_, text)| (*text).to_owned()).collect()
}

/// Whether `value` lies strictly between 0 and 1.
fn is_fraction(value: f64) -> bool {
    value > 0.0 && value < 1.0
}

/// Whether `value` is a finite number above 0.
fn is_positive(value: f64) -> bool {
    value > 0.0 && value.is_finite()
}
