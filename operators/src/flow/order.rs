//! Releases changes in the order of their positions, once the frontier has passed them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};

use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::{Exchange, ParallelizationContract, Pipeline};
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::Operator;

use crate::{Change, Position};

/// Most changes in one released batch.
const BATCH: usize = 8192;

/// Extension trait for putting changes in order.
pub trait Order<'scope> {
    /// Releases this worker's changes in the order of positions.
    ///
    /// A batch may be sent under any time not after its changes; it is released when the frontier
    /// has passed it, whatever the batches were. The output's frontier at p means: every change of
    /// this worker before p has been released.
    fn order(self) -> StreamVec<'scope, Position, Change>;

    /// Releases the changes of all workers in one order, on the first worker.
    fn order_all(self) -> StreamVec<'scope, Position, Change>;
}

impl<'scope> Order<'scope> for StreamVec<'scope, Position, Change> {
    fn order(self) -> StreamVec<'scope, Position, Change> {
        order_with(self, Pipeline, "Order")
    }

    fn order_all(self) -> StreamVec<'scope, Position, Change> {
        // one worker's ordered changes are all workers' ordered changes.
        if self.scope().worker().peers() == 1 {
            return self;
        }
        order_with(self, Exchange::new(|_: &Change| 0), "OrderAll")
    }
}

/// Changes that arrived before their time.
#[derive(Default)]
struct Pending {
    /// Not after any pending change.
    capability: Option<Capability<Position>>,
    /// Per partition, in order: most partitions are in order as they arrive.
    runs: BTreeMap<u32, VecDeque<Change>>,
}

impl Pending {
    /// Keeps a batch and the capability it came with.
    fn insert(&mut self, capability: Capability<Position>, batch: &[Change]) {
        if self.capability.as_ref().is_none_or(|held| capability.time() < held.time()) {
            self.capability = Some(capability);
        }
        let same_run = |a: &Change, b: &Change| {
            a.record.id().stream() == b.record.id().stream() && a.at <= b.at
        };
        for part in batch.chunk_by(same_run) {
            let run = self.runs.entry(part[0].record.id().stream()).or_default();
            if run.back().is_none_or(|last| last.at <= part[0].at) {
                run.extend(part);
            } else {
                part.iter().for_each(|change| insert_sorted(run, *change));
            }
        }
    }

    /// The next batch of changes before `frontier`, in order; empty when there is none.
    fn next_before(&mut self, frontier: Option<Position>) -> Vec<Change> {
        let due = |change: &Change| frontier.is_none_or(|frontier| change.at < frontier);
        let mut heads: BinaryHeap<_> = self
            .runs
            .iter()
            .filter_map(|(stream, run)| run.front().map(|head| (head, stream)))
            .filter(|(head, _)| due(head))
            .map(|(head, stream)| Reverse((head.at, *stream)))
            .collect();
        let mut batch = Vec::new();
        while batch.len() < BATCH
            && let Some(Reverse((_, stream))) = heads.pop()
        {
            let run = self.runs.get_mut(&stream).expect("it has a head");
            let others = heads.peek().map(|Reverse((at, _))| *at);
            // this run alone goes on until another one is first.
            while let Some(change) =
                run.pop_front_if(|head| due(head) && others.is_none_or(|other| head.at <= other))
            {
                batch.push(change);
                if batch.len() == BATCH {
                    break;
                }
            }
            if let Some(head) = run.front().filter(|head| due(head)) {
                heads.push(Reverse((head.at, stream)));
            }
        }
        batch
    }

    /// Lets go of what the released changes held back.
    fn downgrade(&mut self) {
        let first = self.runs.values().filter_map(|run| run.front()).map(|head| head.at).min();
        match (first, &mut self.capability) {
            (Some(first), Some(capability)) => capability.downgrade(&first),
            _ => self.capability = None,
        }
    }
}

fn insert_sorted(run: &mut VecDeque<Change>, change: Change) {
    let at = run.partition_point(|held| held.at <= change.at);
    run.insert(at, change);
}

fn order_with<'scope, P>(
    changes: StreamVec<'scope, Position, Change>,
    pact: P,
    name: &str,
) -> StreamVec<'scope, Position, Change>
where
    P: ParallelizationContract<Position, Vec<Change>>,
{
    type Batches = CapacityContainerBuilder<Vec<Change>>;
    changes.unary_frontier::<Batches, _, _, _>(pact, name, |_capability, _info| {
        let mut pending = Pending::default();
        move |(input, frontier), output| {
            // stash each change until its time is complete.
            input.for_each(|stamp, batch| {
                if let Some(capability) = stamp.retain_least(output.output_index()) {
                    pending.insert(capability, batch);
                }
            });

            // release complete times, in order.
            let frontier = frontier.frontier().first().copied();
            while let Some(capability) = &pending.capability {
                let capability = capability.clone();
                let mut batch = pending.next_before(frontier);
                if batch.is_empty() {
                    break;
                }
                output.session(&capability).give_container(&mut batch);
                pending.downgrade();
            }
        }
    })
}
