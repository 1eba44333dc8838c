//! Prequential evaluation: every sample is scored by the active model before it is trained on.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::Operator;
use timely::dataflow::operators::vec::Broadcast;
use timely::scheduling::SyncActivator;

use super::Ordered;
use super::queue::Queue;
use super::service::{Service, Start};
use crate::trigger::Outcome;
use crate::{Id, Kind, Position};

/// Most samples in one request.
const BATCH: usize = 4096;

/// Samples to be scored by one version.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToScore {
    /// The version that was active when the samples came; none before the first.
    pub version: Option<u64>,
    /// The samples with their event times and classes, in the order of positions.
    pub samples: Vec<(Id, i64, u32)>,
    last: Position,
}

impl ToScore {
    /// When these samples are scored, all before this position are.
    fn until(&self) -> Position {
        self.last + 1
    }
}

/// How well samples of one interval were predicted.
///
/// Sums are integers: they do not depend on the order of additions, nor on the number of workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scored {
    /// Number of the interval of event time.
    pub interval: i64,
    /// Samples scored.
    pub samples: u64,
    /// Samples that came before there was a model.
    pub unscored: u64,
    /// Samples whose class was predicted.
    pub correct: u64,
    /// Sum of cross entropies, in units of 2⁻³² nats.
    pub loss: i128,
}

/// What was scored at once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// The worker whose samples they are.
    pub worker: usize,
    /// All the worker's samples before this position are scored now.
    pub until: Position,
    /// The sums, by intervals.
    pub sums: Vec<Scored>,
}

/// How far an evaluation is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evaluated {
    /// By partition ([`Id::stream`]): its samples before this position are scored.
    pub until: BTreeMap<u32, Position>,
    /// Where versions took effect, in order.
    pub versions: Vec<(Position, u64)>,
}

/// Extension trait for prequential evaluation.
pub trait Evaluate<'scope> {
    /// Has every labelled sample scored by the newest version that took effect before it.
    ///
    /// The stream must be ordered ([`order`](super::Order::order)). What `start` says is scored is
    /// not scored again. The output's frontier at p means: every sample before p is scored.
    fn evaluate<S>(
        self,
        outcomes: StreamVec<'scope, Position, Outcome>,
        start: Evaluated,
        service: impl FnOnce(SyncActivator) -> S + 'static,
    ) -> StreamVec<'scope, Position, Scores>
    where
        S: Service<ToScore, Vec<Scored>> + 'static;
}

impl<'scope> Evaluate<'scope> for Ordered<'scope> {
    fn evaluate<S>(
        self,
        outcomes: StreamVec<'scope, Position, Outcome>,
        start: Evaluated,
        service: impl FnOnce(SyncActivator) -> S + 'static,
    ) -> StreamVec<'scope, Position, Scores>
    where
        S: Service<ToScore, Vec<Scored>> + 'static,
    {
        type Batches = CapacityContainerBuilder<Vec<Scores>>;
        let scope = self.scope();
        let worker = scope.worker().index();
        let service: Start<S> = Box::new(service);
        self.binary_frontier::<_, Batches, _, _, _, _>(
            outcomes.broadcast(),
            Pipeline,
            Pipeline,
            "Evaluate",
            move |_capability, info| {
                let mut service = service(scope.worker().sync_activator_for(info.address.to_vec()));
                let versions = start.versions.into();
                let mut unscored = Unscored { until: start.until, versions, ..Unscored::default() };
                let mut open: VecDeque<(Capability<Position>, Position)> = VecDeque::new();
                move |(changes, _), (outcomes, decided), output| {
                    outcomes.for_each(|_, batch| {
                        batch.drain(..).for_each(|outcome| unscored.trained(&outcome));
                    });
                    changes.for_each(|stamp, batch| {
                        if let Some(capability) = stamp.retain_least(output.output_index()) {
                            unscored.capability.get_or_insert(capability);
                            unscored.changes.push(std::mem::take(batch));
                        }
                    });
                    loop {
                        // what was asked while the service was busy is one request.
                        let idle = open.is_empty();
                        if idle
                            && let Some((capability, request)) =
                                unscored.next_before(decided.frontier().first().copied())
                        {
                            open.push_back((capability, request.until()));
                            service.ask(request);
                        }
                        let Some(sums) = service.poll() else { break };
                        let (capability, until) =
                            open.pop_front().expect("answers follow requests");
                        output.session(&capability).give(Scores { worker, until, sums });
                    }
                }
            },
        )
    }
}

/// Changes that wait to be scored, and the versions that may score them.
#[derive(Default)]
struct Unscored {
    changes: Queue,
    /// Not after the first of the changes.
    capability: Option<Capability<Position>>,
    /// Where versions took effect, oldest first; the first may be in use.
    versions: VecDeque<(Position, u64)>,
    active: Option<u64>,
    /// By partition, before which position samples were scored before the job was stopped.
    until: BTreeMap<u32, Position>,
}

impl Unscored {
    fn trained(&mut self, outcome: &Outcome) {
        if let Some(version) = outcome.version {
            self.versions.push_back((outcome.effective, version));
        }
    }

    /// The next samples of one version whose position is before `end`.
    fn next_before(&mut self, end: Option<Position>) -> Option<(Capability<Position>, ToScore)> {
        let mut request = ToScore::default();
        let mut first = None;
        while let (Some(change), Some(capability)) = (self.changes.rest().first(), &self.capability)
        {
            if end.is_some_and(|end| change.at >= end) || request.samples.len() == BATCH {
                break;
            }
            if let Some((effective, version)) = self.versions.front().copied()
                && effective <= change.at
            {
                if !request.samples.is_empty() {
                    break;
                }
                self.versions.pop_front();
                self.active = Some(version);
                continue;
            }
            if let (Kind::Insert, Some(label)) = (change.kind, change.record.label)
                && self.until.get(&change.record.id().stream()).is_none_or(|at| *at <= change.at)
            {
                request.last = change.at;
                first.get_or_insert_with(|| capability.delayed(&change.at));
                request.samples.push((change.record.id(), change.record.time, label));
            }
            self.changes.pass(1);
        }
        match (self.changes.rest().first(), &mut self.capability) {
            (Some(next), Some(capability)) => capability.downgrade(&next.at),
            _ => self.capability = None,
        }
        request.version = self.active;
        first.map(|capability| (capability, request))
    }
}
