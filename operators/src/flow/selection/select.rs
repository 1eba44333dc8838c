//! Lets a selection policy choose the training set of each decision.
//!
//! ```text
//!  changes (ordered, per worker) ─► partition ─► proposals ─► combine ─► training sets
//!  decisions ──────── broadcast ─────┘ ▲                     │ │      (first worker)
//!      │                               └── broadcast ◄───────┼─┘ chosen, if the policy remembers
//!      └─────────────────────────────────────────────────────┘
//! ```
//!
//! Each partition of a worker is a partition.
//!
//! 1. A partition has observed exactly the changes before a decision's end when it proposes for it.
//! 2. Each worker proposes once for each decision, so a set is complete when all have.
//! 3. A partition of a policy that remembers what was chosen observes nothing and proposes nothing more
//!    until it knows what was chosen for the decision that it proposed for last. Others never wait,
//!    and nothing is sent back.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::generic::Operator;
use timely::dataflow::operators::vec::{Broadcast, Map};
use timely::dataflow::operators::{Capability, Concat, ConnectLoop, Feedback};

use super::partitions::Partitions;
use crate::Position;
use crate::flow::Ordered;
use crate::flow::clock::clock;
use crate::flow::routing::to_first;
use crate::selection::{
    Choice, Chosen, Proposal, SelectionCheckpoints, SelectionConfig, TrainingSet,
};
use crate::trigger::Decision;

/// Extension trait for choosing what to train on.
pub trait Select<'scope> {
    /// Chooses a training set for each decision, from this stream's changes before the decision's
    /// end; the sets appear on the first worker, in the order of the decisions.
    ///
    /// The stream must be ordered ([`order`](crate::flow::Order::order)). Partitions continue from where they
    /// stand in `start`.
    fn select(
        self,
        decisions: StreamVec<'scope, Position, Decision>,
        selection: Arc<dyn SelectionConfig>,
        start: SelectionCheckpoints,
    ) -> StreamVec<'scope, Position, TrainingSet>;
}

impl<'scope> Select<'scope> for Ordered<'scope> {
    fn select(
        self,
        decisions: StreamVec<'scope, Position, Decision>,
        selection: Arc<dyn SelectionConfig>,
        start: SelectionCheckpoints,
    ) -> StreamVec<'scope, Position, TrainingSet> {
        let partitions = Partitions::new(Arc::clone(&selection), start);
        let events = decisions.clone().map(SelectionEvent::Decided);
        if !selection.remembers() {
            let proposals = propose(self, everywhere(events), partitions);
            return combine(decisions, proposals, selection);
        }
        let (handle, back) = self.scope().feedback(1);
        let proposals = propose(self, everywhere(events.concat(back)), partitions);
        let sets = combine(decisions, proposals, selection);
        sets.clone().map(|set| SelectionEvent::Chosen(set.chosen())).connect_loop(handle);
        sets
    }
}

/// Events about decisions for the policy of each partition.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum SelectionEvent {
    Decided(Decision),
    Chosen(Chosen),
}

/// The stream on all workers.
fn everywhere(
    events: StreamVec<'_, Position, SelectionEvent>,
) -> StreamVec<'_, Position, SelectionEvent> {
    if events.scope().worker().peers() == 1 { events } else { events.broadcast() }
}

fn propose<'scope>(
    changes: Ordered<'scope>,
    events: StreamVec<'scope, Position, SelectionEvent>,
    mut partitions: Partitions,
) -> StreamVec<'scope, Position, Proposal> {
    type Batches = CapacityContainerBuilder<Vec<Proposal>>;
    let clock = clock(events.scope().worker());
    changes.binary_frontier::<_, Batches, _, _, _, _>(
        events,
        Pipeline,
        Pipeline,
        "Propose",
        move |_capability, _info| {
            let mut waiting: BTreeMap<u64, (Capability<Position>, Decision)> = BTreeMap::new();
            move |(changes, known), (events, decided), output| {
                changes.for_each(|_, batch| partitions.push(std::mem::take(batch)));
                events.for_each(|stamp, batch| {
                    for event in batch.drain(..) {
                        match event {
                            SelectionEvent::Chosen(chosen) => partitions.chosen(&chosen),
                            SelectionEvent::Decided(decision) => {
                                let capability = stamp.retain_least(output.output_index());
                                let entry = capability.map(|capability| (capability, decision));
                                waiting.extend(entry.map(|entry| (entry.1.trigger, entry)));
                            }
                        }
                    }
                });

                // propose for each decision whose changes are all here.
                while let Some(entry) = waiting.first_entry()
                    && !known.less_than(&entry.get().1.end())
                    && !partitions.wait()
                {
                    let (capability, decision) = entry.remove();
                    let since = clock();
                    let mut proposal = partitions.propose(decision.trigger, decision.end());
                    proposal.seconds = clock() - since;
                    output.session(&capability).give(proposal);
                }

                // no later decision can end before its frontier, so the policy may observe all changes before it.
                if waiting.is_empty() && !partitions.wait() {
                    partitions.observe_before(decided.frontier().first().copied());
                }
            }
        },
    )
}

fn combine<'scope>(
    decisions: StreamVec<'scope, Position, Decision>,
    proposals: StreamVec<'scope, Position, Proposal>,
    selection: Arc<dyn SelectionConfig>,
) -> StreamVec<'scope, Position, TrainingSet> {
    type Batches = CapacityContainerBuilder<Vec<TrainingSet>>;
    let workers = decisions.scope().worker().peers();
    let clock = clock(decisions.scope().worker());
    decisions.binary::<_, Batches, _, _, _, _>(
        proposals,
        Pipeline,
        to_first(),
        "Combine",
        move |_capability, _info| {
            let mut open: VecDeque<(Capability<Position>, Decision)> = VecDeque::new();
            let mut proposed: BTreeMap<u64, (usize, Proposal)> = BTreeMap::new();
            move |decisions, proposals, output| {
                decisions.for_each(|stamp, batch| {
                    for decision in batch.drain(..) {
                        if let Some(capability) = stamp.retain_least(output.output_index()) {
                            open.push_back((capability, decision));
                        }
                    }
                });
                proposals.for_each(|_, batch| {
                    for proposal in batch.drain(..) {
                        let (count, all) = proposed.entry(proposal.trigger).or_default();
                        *count += 1;
                        all.add(proposal);
                    }
                });
                while let Some((capability, decision)) = open.pop_front() {
                    match proposed.remove(&decision.trigger) {
                        Some((count, all)) if count == workers => {
                            let start = clock();
                            let mut set = training_set(&*selection, decision, all);
                            set.seconds += clock() - start;
                            output.session(&capability).give(set);
                        }
                        incomplete => {
                            if let Some(incomplete) = incomplete {
                                proposed.insert(decision.trigger, incomplete);
                            }
                            open.push_front((capability, decision));
                            break;
                        }
                    }
                }
            }
        },
    )
}

/// The training set that a policy chooses from the proposals of all workers; proposing took
/// `proposal.seconds`.
fn training_set(
    selection: &dyn SelectionConfig,
    decision: Decision,
    mut proposal: Proposal,
) -> TrainingSet {
    let mut checkpoints = std::mem::take(&mut proposal.checkpoints);
    checkpoints.sort_by_key(|(stream, _)| *stream);
    let (candidates, seconds) = (proposal.available, proposal.seconds);
    let Choice { rows, round, memory } = selection.combine(proposal);
    TrainingSet { decision, candidates, rows, round, memory, checkpoints, seconds }
}
