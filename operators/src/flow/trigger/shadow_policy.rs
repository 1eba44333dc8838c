//! The policy that a shadow runs.

use crate::trigger::{Cut, Firing, Outcome, Phase, Step, Trigger};
use crate::{Change, Id, Kind, Matrix, Snapshot, SnapshotError, restore};

/// Wraps `trigger` for a shadow. The wrapped policy is informed of each training as if it were a training
/// on the samples since the one before.
///
/// ```
/// use driftmill_operators::{flow::shadowed, trigger::*};
/// let amount = || Amount { every: 4.try_into().unwrap() }.init();
/// let mut shadow = shadowed(amount());
/// assert!(shadow.load(&shadowed(amount()).save()).is_ok());
/// ```
pub fn shadowed(trigger: Box<dyn Trigger>) -> Box<dyn Trigger> {
    Box::new(ShadowTrigger { trigger, samples: 0, waits: false })
}

struct ShadowTrigger {
    trigger: Box<dyn Trigger>,
    /// Number of samples since the policy last fired.
    samples: u64,
    /// Whether the policy last fired without a version.
    waits: bool,
}

impl ShadowTrigger {
    fn count(&mut self, changes: &[Change]) {
        let samples = changes.iter().filter(|change| change.kind == Kind::Insert);
        self.samples += samples.count() as u64;
    }

    fn marked(&self, step: Step) -> Step {
        match step {
            Step::Fire(mut decision) if self.waits && decision.phase == Phase::WarmUp => {
                decision.phase = Phase::ContinuedWarmUp;
                Step::Fire(decision)
            }
            step => step,
        }
    }
}

impl Trigger for ShadowTrigger {
    fn before(&mut self, change: &Change) -> Option<Firing> {
        self.trigger.before(change)
    }

    fn observe(&mut self, change: &Change) -> Step {
        self.observe_all(std::slice::from_ref(change)).1
    }

    fn observe_all(&mut self, changes: &[Change]) -> (usize, Step) {
        let (passed, step) = self.trigger.observe_all(changes);
        let unseen = matches!(&step, Step::Fire(decision) if decision.cut == Cut::Before);
        let seen = passed + usize::from(!unseen && step != Step::Continue);
        self.count(&changes[..seen]);
        (passed, self.marked(step))
    }

    fn answer(&mut self, answer: &Matrix) -> Step {
        let step = self.trigger.answer(answer);
        self.marked(step)
    }

    fn trained(&mut self, outcome: &Outcome) {
        let samples = std::mem::take(&mut self.samples);
        self.waits = outcome.version.is_none();
        self.trigger.trained(&Outcome { samples, ..outcome.clone() });
    }

    fn retained_samples(&self, visit: &mut dyn FnMut(Id)) {
        self.trigger.retained_samples(visit);
    }
}

impl Snapshot for ShadowTrigger {
    fn save(&self) -> Vec<u8> {
        (self.trigger.save(), self.samples, self.waits).save()
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), SnapshotError> {
        let (trigger, samples, waits): (Vec<u8>, u64, bool) = restore(saved)?;
        self.trigger.load(&trigger)?;
        (self.samples, self.waits) = (samples, waits);
        Ok(())
    }
}
