//! What all detectors share: values that do not belong, starting again, snapshots.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Detector, Domain, Evidence, Signal};
use crate::{Snapshot, SnapshotError};

/// A detection method: the mathematics of one value after another.
pub(super) trait Method: Clone + Send + 'static {
    /// What it knows of the values.
    type State: Clone + Send + Serialize + DeserializeOwned;

    /// Which values it is made for.
    const DOMAIN: Domain;

    /// What it knows before the first value.
    fn start(&self) -> Self::State;

    /// Takes in one value of its domain.
    fn step(&self, state: &mut Self::State, value: f64) -> Judgement;
}

/// What a value leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct Judgement {
    pub(super) signal: Signal,
    pub(super) evidence: Option<Evidence>,
}

impl Judgement {
    /// Nothing can be said yet.
    pub(super) const NONE: Self = Self { signal: Signal::None, evidence: None };

    pub(super) fn new(signal: Signal, statistic: f64, bound: f64) -> Self {
        Self { signal, evidence: Some(Evidence { statistic, bound }) }
    }

    /// Of two that watch for different things, the one that says more.
    pub(super) fn or(self, other: Self) -> Self {
        let excess = |one: &Self| one.evidence.map_or(f64::MIN, |e| e.statistic - e.bound);
        let rank = |one: &Self| (one.signal, excess(one));
        if rank(&other) > rank(&self) { other } else { self }
    }

    /// Drift or nothing.
    pub(super) fn drift_if(drift: bool, statistic: f64, bound: f64) -> Self {
        let signal = if drift { Signal::Drift } else { Signal::None };
        Self::new(signal, statistic, bound)
    }
}

/// A method on a stream of values.
pub(super) struct Running<M: Method> {
    method: M,
    state: M::State,
    last: Judgement,
}

impl<M: Method> Running<M> {
    pub(super) fn new(method: M) -> Self {
        let state = method.start();
        Self { method, state, last: Judgement::NONE }
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
        let belongs = M::DOMAIN.contains(value);
        debug_assert!(belongs, "{value} is not of {:?}", M::DOMAIN);
        if !belongs {
            return Signal::None;
        }
        // only now, so that the evidence of a drift can be read until the next value.
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
        self.state = self.method.start();
        self.last = Judgement::NONE;
    }
}
