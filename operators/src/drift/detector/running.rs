//! The common part of all detectors: values outside the domain, restarts and snapshots.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Detector, DetectorConfig, Domain, Evidence, Parameter, Signal};
use crate::{Snapshot, SnapshotError};

/// A detection method: its state and its step for one value.
pub(super) trait Method: Clone + Send + 'static {
    /// The state of the method. Its default is the state before the first value.
    type State: Clone + Default + Send + Serialize + DeserializeOwned;

    /// The values that the method accepts.
    const DOMAIN: Domain;

    /// Processes one value of the domain.
    fn step(&self, state: &mut Self::State, value: f64) -> Judgement;
}

/// A configuration that builds a detection method. A configuration that is itself a method builds a
/// copy of itself.
pub(super) trait BuildMethod {
    /// The method that the configuration builds.
    type Method: Method;

    /// Creates the method.
    fn method(&self) -> Self::Method;
}

impl<M: Method> BuildMethod for M {
    type Method = M;

    fn method(&self) -> M {
        self.clone()
    }
}

/// The parameters of a detection method. The [`DetectorConfig`] follows from this trait.
pub(super) trait MethodConfig: BuildMethod + Send + Sync + 'static {
    /// See [`DetectorConfig::parameter`].
    fn parameter(&self) -> Parameter;

    /// See [`DetectorConfig::with_parameter`].
    fn with_value(&self, value: f64) -> Self
    where
        Self: Sized;

    /// See [`DetectorConfig::check`].
    fn check(&self) -> Vec<String>;
}

impl<C: MethodConfig> DetectorConfig for C {
    fn init(&self) -> Box<dyn Detector> {
        Box::new(Running::new(self.method()))
    }

    fn domain(&self) -> Domain {
        C::Method::DOMAIN
    }

    fn parameter(&self) -> Parameter {
        MethodConfig::parameter(self)
    }

    fn with_parameter(&self, value: f64) -> Box<dyn DetectorConfig> {
        Box::new(self.with_value(value))
    }

    fn check(&self) -> Vec<String> {
        MethodConfig::check(self)
    }
}

/// The result of one value: a signal and its evidence.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct Judgement {
    pub(super) signal: Signal,
    pub(super) evidence: Option<Evidence>,
}

impl Judgement {
    /// No signal and no evidence yet.
    pub(super) const NONE: Self = Self { signal: Signal::None, evidence: None };

    pub(super) fn new(signal: Signal, statistic: f64, bound: f64) -> Self {
        Self { signal, evidence: Some(Evidence { statistic, bound }) }
    }

    /// The stronger of two judgements: by signal, then by the excess over the bound.
    pub(super) fn or(self, other: Self) -> Self {
        let excess = |one: &Self| one.evidence.map_or(f64::MIN, |e| e.statistic - e.bound);
        let rank = |one: &Self| (one.signal, excess(one));
        if rank(&other) > rank(&self) { other } else { self }
    }

    /// A drift if `drift` holds, otherwise no signal.
    pub(super) fn drift_if(drift: bool, statistic: f64, bound: f64) -> Self {
        let signal = if drift { Signal::Drift } else { Signal::None };
        Self::new(signal, statistic, bound)
    }
}

/// A method that runs on a stream of values.
struct Running<M: Method> {
    method: M,
    state: M::State,
    last: Judgement,
}

impl<M: Method> Running<M> {
    fn new(method: M) -> Self {
        Self { method, state: M::State::default(), last: Judgement::NONE }
    }
}

impl<M: Method> Snapshot for Running<M> {
    fn save(&self) -> Vec<u8> {
        (self.state.clone(), self.last).save()
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), SnapshotError> {
        (self.state, self.last) = crate::restore(saved)?;
        Ok(())
    }
}

impl<M: Method> Detector for Running<M> {
    fn observe(&mut self, value: f64) -> Signal {
        let inside = M::DOMAIN.contains(value);
        debug_assert!(inside, "{value} is outside {:?}", M::DOMAIN);
        if !inside {
            return Signal::None;
        }
        // restart only now, so that the evidence of a drift can be read until the next value.
        if self.last.signal == Signal::Drift {
            self.restart();
        }
        self.last = self.method.step(&mut self.state, value);
        self.last.signal
    }

    fn evidence(&self) -> Option<Evidence> {
        self.last.evidence
    }

    fn restart(&mut self) {
        self.state = M::State::default();
        self.last = Judgement::NONE;
    }
}
