//! Sequential change detectors: one value after another, and the moment when they changed.

use crate::Snapshot;

mod direction;
mod hddm;
mod running;

pub use direction::Direction;

/// What a `detector.…` table builds.
pub trait DetectorConfig: Send + Sync {
    /// A detector that has seen nothing.
    fn init(&self) -> Box<dyn Detector>;

    /// Which values it is made for.
    fn domain(&self) -> Domain;

    /// The parameter that makes it more or less ready to fire.
    fn parameter(&self) -> Parameter;

    /// The same table with another value of that parameter; a level of warnings that would lie beyond
    /// it follows.
    fn with_parameter(&self, value: f64) -> Box<dyn DetectorConfig>;

    /// What is wrong with the table beyond what its types refuse.
    fn check(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A parameter of a detector, and between which values one can measurement for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameter {
    /// Its name in pipeline files.
    pub name: &'static str,
    /// Its value; above 0, as are the others.
    pub value: f64,
    /// A value with which the detector fires as readily as it can, or nearly.
    pub lax: f64,
    /// A value with which it hardly ever fires; lower than `lax` or higher.
    pub strict: f64,
    /// Name and value of another parameter that follows it where it must.
    pub follows: Option<(&'static str, f64)>,
}

/// Watches a stream of values for a change of their distribution.
///
/// Its signals depend on the values alone. Where it says [`Signal::Drift`] it starts again: the
/// value that follows is the first that it knows.
///
/// Values outside its [`Domain`], among them those that are not finite, are a mistake of the caller: a
/// debug build stops there, others go on as if the value had not come.
pub trait Detector: Snapshot + Send {
    /// Takes in one value.
    fn observe(&mut self, value: f64) -> Signal;

    /// What the last value was judged by; none where it was only taken in.
    fn evidence(&self) -> Option<Evidence>;

    /// Forgets all values.
    fn restart(&mut self);
}

/// What a detector says after a value.
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
    /// All is as usual.
    #[default]
    None,
    /// There may be a change.
    Warning,
    /// There is a change.
    Drift,
}

/// A detector's statistic beside the bound beyond which there is drift.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Evidence {
    /// The statistic after the last value.
    pub statistic: f64,
    /// Its bound.
    pub bound: f64,
}

/// Which values a detector is made for, each kind a part of the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Domain {
    /// 0 (right) and 1 (wrong).
    Binary,
    /// From 0 to 1.
    Unit,
    /// Every number that 32 bits can hold: sums of squares of these are finite.
    Real,
}

impl Domain {
    /// Whether `value` is of this kind.
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
        adwin: Adwin,
        page_hinkley: PageHinkley,
        cusum: Cusum,
        ddm: Ddm,
        eddm: Eddm,
        hddm_a: HddmA,
        hddm_w: HddmW,
        kswin: Kswin,
    }
}

/// The problems of parameters of which each must be as its text says.
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
