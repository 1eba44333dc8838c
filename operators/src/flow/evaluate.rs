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
use super::versions::Versions;
use crate::trigger::Outcome;
use crate::{Change, Id, Kind, Position};

/// Most samples in one request.
const BATCH: usize = 4096;

/// Samples to be scored by one version.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToScore {
    /// The version that was active when the samples came; none before the first.
    pub version: Option<u64>,
    /// The samples, in the order in which their labels became known.
    pub samples: Vec<Scorable>,
}

/// A sample to be scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scorable {
    /// The sample.
    pub id: Id,
    /// Its event time, in milliseconds since 1970.
    pub time: i64,
    /// Its class.
    pub label: u32,
    /// 1 to count its score, −1 to take back what was counted: the class was corrected.
    pub count: i64,
}

/// How well samples of one interval were predicted.
///
/// Sums are integers: they do not depend on the order of additions, nor on the number of workers.
/// They are differences where scores are taken back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scored {
    /// Number of the interval of event time.
    pub interval: i64,
    /// Samples scored.
    pub samples: i64,
    /// Samples that came before there was a model.
    pub unscored: i64,
    /// Samples whose class was predicted.
    pub correct: i64,
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
    /// Has every labelled sample scored by the newest version that took effect before it, whenever
    /// its label came; a corrected label takes the earlier score back.
    ///
    /// That a sample was replaced or deleted later does not change how it was predicted.
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
                let mut open: VecDeque<(Capability<Position>, Option<Position>)> = VecDeque::new();
                let mut gathered = Vec::new();
                move |(changes, _), (outcomes, decided), output| {
                    outcomes.for_each(|_, batch| {
                        batch.drain(..).for_each(|outcome| unscored.versions.trained(&outcome));
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
                            && let Some((capability, requests, until)) =
                                unscored.next_before(decided.frontier().first().copied())
                        {
                            let last = requests.len() - 1;
                            for (number, request) in requests.into_iter().enumerate() {
                                let until = (number == last).then_some(until);
                                open.push_back((capability.clone(), until));
                                service.ask(request);
                            }
                        }
                        let Some(sums) = service.poll() else { break };
                        let (capability, until) =
                            open.pop_front().expect("answers follow requests");
                        gathered.extend(sums);
                        // all versions' scores of a stretch count at once.
                        if let Some(until) = until {
                            let sums = std::mem::take(&mut gathered);
                            output.session(&capability).give(Scores { worker, until, sums });
                        }
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
    /// All of them: a label may come at any time.
    versions: Versions,
    /// By partition, before which position samples were scored before the job was stopped.
    until: BTreeMap<u32, Position>,
}

impl Unscored {
    /// The next samples whose changes are before `end`, a request for each version.
    fn next_before(
        &mut self,
        end: Option<Position>,
    ) -> Option<(Capability<Position>, Vec<ToScore>, Position)> {
        let mut requests: BTreeMap<Option<u64>, Vec<Scorable>> = BTreeMap::new();
        let (mut first, mut count, mut until) = (None, 0, Position::MIN);
        while let (Some(change), Some(capability)) = (self.changes.rest().first(), &self.capability)
        {
            if end.is_some_and(|end| change.at >= end) || count >= BATCH {
                break;
            }
            let seen = self.until.get(&change.record.id().stream());
            let [counted, taken_back] = scorables(change);
            if counted.or(taken_back).is_some() && seen.is_none_or(|until| *until <= change.at) {
                first.get_or_insert_with(|| capability.delayed(&change.at));
                let (version, _) = self.versions.active(change.record.position);
                let samples = requests.entry(version).or_default();
                samples.extend(counted.into_iter().chain(taken_back));
                count += 1;
            }
            until = change.at + 1;
            self.changes.pass(1);
        }
        match (self.changes.rest().first(), &mut self.capability) {
            (Some(next), Some(capability)) => capability.downgrade(&next.at),
            _ => self.capability = None,
        }
        let requests = requests.into_iter();
        let requests = requests.map(|(version, samples)| ToScore { version, samples }).collect();
        first.map(|capability| (capability, requests, until))
    }
}

/// What a change adds to the scores, and what it takes back.
fn scorables(change: &Change) -> [Option<Scorable>; 2] {
    let record = &change.record;
    let scorable = |label, count| Scorable { id: record.id(), time: record.time, label, count };
    let counted = record.label.map(|label| scorable(label, 1));
    match change.kind {
        Kind::Insert => [counted, None],
        Kind::Label => [counted, change.before.map(|label| scorable(label, -1))],
        Kind::Retract | Kind::Delete => [None, None],
    }
}
