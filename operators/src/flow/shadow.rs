//! Shows ordered changes to a trigger policy that trains nothing.

use serde::{Deserialize, Serialize};
use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::{Exchange, Pipeline};
use timely::dataflow::operators::generic::Operator;
use timely::scheduling::SyncActivator;

use super::Ordered;
use super::asked::Made;
use super::decide::{Deciding, Standing};
use super::deciding::Host;
use super::looked::{Looked, clock};
use super::service::{Asker, Service};
use super::versions::Versions;
use crate::trigger::{Cut, Decision, Look, Outcome, Reason, Step, Trigger, is_warmup};
use crate::{Change, Id, Kind, Matrix, Position, Snapshot, SnapshotError, restore};

/// Where a policy that trains nothing would have trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fired {
    /// Its number: 0, 1, 2, …
    pub number: u64,
    /// The change that caused it.
    pub position: Position,
    /// Whether the training would have covered that change.
    pub cut: Cut,
    /// The version that was active there; none before the first.
    pub version: Option<u64>,
    /// Why.
    pub reason: Reason,
    /// What the policy saw, where it looked at samples.
    pub look: Option<Look>,
}

/// A policy that trains nothing, with what it needs from outside.
pub struct Shadowing<S, K, L, F> {
    /// The policy and its surroundings, as for one that trains. A standing is never kept while a
    /// decision is open, and its policy is that of [`shadowed`].
    pub deciding: Deciding<S, K, L>,
    /// Where versions took effect before the outcomes that are to come, in order.
    pub versions: Vec<(Position, u64)>,
    /// Is told where the policy fires, before `keep` is told of where it stands then.
    pub fired: F,
}

/// Extension trait for policies that train nothing.
pub trait Shadow<'scope> {
    /// Shows every change to a policy, in order, and tells where it would have trained.
    ///
    /// The stream must be ordered and complete on the first worker
    /// ([`order_all`](super::OrderAll::order_all)); `outcomes` are those of the branch that trains,
    /// and their frontier at p must mean: every decision before p has its outcome. A change is shown
    /// when the frontier has passed it, so that questions are asked of the version that is active
    /// at the change that causes them. Where another version takes effect, the policy loses what it
    /// remembers of answers beside its state.
    ///
    /// Where the policy fires it is told of a training at once: the active version was made of the
    /// samples that entered since it last fired, in no time. A warm-up that has to go on because there
    /// is no version yet fires once. The output is empty; its frontier at p
    /// means: all changes before p were shown, and fire no more.
    fn shadow<S, K, L, F>(
        self,
        outcomes: StreamVec<'scope, Position, Outcome>,
        start: impl FnOnce(SyncActivator) -> Shadowing<S, K, L, F> + 'static,
    ) -> StreamVec<'scope, Position, ()>
    where
        S: Service<Asker, Matrix> + 'static,
        K: FnMut(Standing) + 'static,
        L: FnMut(Looked) + 'static,
        F: FnMut(Fired) + 'static;
}

impl<'scope> Shadow<'scope> for Ordered<'scope> {
    fn shadow<S, K, L, F>(
        self,
        outcomes: StreamVec<'scope, Position, Outcome>,
        start: impl FnOnce(SyncActivator) -> Shadowing<S, K, L, F> + 'static,
    ) -> StreamVec<'scope, Position, ()>
    where
        S: Service<Asker, Matrix> + 'static,
        K: FnMut(Standing) + 'static,
        L: FnMut(Looked) + 'static,
        F: FnMut(Fired) + 'static,
    {
        type Batches = CapacityContainerBuilder<Vec<()>>;
        let scope = self.scope();
        let to_first = Exchange::new(|_: &Outcome| 0);
        self.binary_frontier::<_, Batches, _, _, _, _>(
            outcomes,
            Pipeline,
            to_first,
            "Shadow",
            move |_capability, info| {
                let wake = scope.activator_for(info.address.clone());
                let start = start(scope.worker().sync_activator_for(info.address.to_vec()));
                let Shadowing { mut deciding, versions, mut fired } = start;
                deciding.trigger = shadowed(deciding.trigger);
                let (mut host, _) = Host::new(deciding, clock(scope.worker()));
                let mut versions = Versions::from(versions);
                move |(changes, _), (outcomes, decided), output| {
                    outcomes.for_each(|_, batch| {
                        batch.drain(..).for_each(|outcome| versions.trained(&outcome));
                    });
                    changes.for_each(|stamp, batch| {
                        if let Some(capability) = stamp.retain_least(output.output_index()) {
                            host.push(capability, std::mem::take(batch));
                        }
                    });
                    step(&mut host, &versions, decided.frontier().first().copied(), &mut fired);
                    if host.downgrade() {
                        wake.activate();
                    }
                }
            },
        )
    }
}

/// Shows changes before `frontier`, of one version after another, and answers decisions at once.
fn step<S, K, L>(
    host: &mut Host<S, K, L>,
    versions: &Versions,
    frontier: Option<Position>,
    fired: &mut impl FnMut(Fired),
) where
    S: Service<Asker, Matrix>,
    K: FnMut(Standing),
    L: FnMut(Looked),
{
    loop {
        let next = host.next();
        let due = next.filter(|at| frontier.is_none_or(|frontier| *at < frontier));
        match (next, due) {
            (_, Some(at)) => {
                let (version, until) = versions.active(at);
                let end = until.into_iter().chain(frontier).min();
                host.ask_until(version, end);
            }
            (Some(_), None) => return,
            (None, None) => {}
        }
        match host.step() {
            Some(Made { decided, look, .. }) => {
                let version = host.version();
                let outcome = Outcome {
                    trigger: decided.trigger,
                    version,
                    effective: decided.end(),
                    samples: 0,
                    seconds: 0.0,
                    ids: Vec::new(),
                };
                let (position, cut) = (decided.position, decided.cut);
                let (number, reason) = (decided.trigger, decided.reason);
                match reason.text == STILL {
                    true => host.take_back_number(),
                    false => fired(Fired { number, position, cut, version, reason, look }),
                }
                host.trained(&outcome);
                host.keep_standing(None);
            }
            None if host.next().is_none() => return,
            None => {}
        }
    }
}

/// The reason of a warm-up that goes on only because there is no version yet: it would have trained
/// before.
const STILL: &str = "still in its warm-up";

/// The policy that a shadow keeps the state of: `trigger`, which learns of each training that it was
/// one of the samples that entered since the one before.
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
    /// Samples since it last fired.
    samples: u64,
    /// Whether it fired last when there was no version.
    waits: bool,
}

impl ShadowTrigger {
    fn count(&mut self, changes: &[Change]) {
        let samples = changes.iter().filter(|change| change.kind == Kind::Insert);
        self.samples += samples.count() as u64;
    }

    fn marked(&self, step: Step) -> Step {
        match step {
            Step::Decide(mut decision) if self.waits && is_warmup(&decision.reason) => {
                decision.reason.text = STILL.to_owned();
                Step::Decide(decision)
            }
            step => step,
        }
    }
}

impl Trigger for ShadowTrigger {
    fn before(&mut self, change: &Change) -> Option<Decision> {
        self.trigger.before(change)
    }

    fn observe(&mut self, change: &Change) -> Step {
        self.observe_all(std::slice::from_ref(change)).1
    }

    fn observe_all(&mut self, changes: &[Change]) -> (usize, Step) {
        let (passed, step) = self.trigger.observe_all(changes);
        let unseen = matches!(&step, Step::Decide(decision) if decision.cut == Cut::Before);
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

    fn reach(&self, see: &mut dyn FnMut(Id)) {
        self.trigger.reach(see);
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
