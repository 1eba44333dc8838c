//! Lets a selection policy choose the training set of each decision.
//!
//! ```text
//!  changes (ordered, per worker) ─► partition ─► proposals ─► combine ─► training sets
//!  decisions ──────── broadcast ─────┘ ▲                     │ │      (first worker)
//!      │                               └── broadcast ◄───────┼─┘ chosen, if the policy remembers
//!      └─────────────────────────────────────────────────────┘
//! ```
//!
//! Each partition of the source on a worker is a partition of the policy.
//!
//! 1. A partition has observed exactly the changes before the end of a decision when it proposes for that
//!    decision.
//! 2. Each worker proposes once for each decision. A set is complete when all workers have proposed.
//! 3. If the policy remembers its choices, a partition waits after each proposal: it observes and proposes
//!    nothing until it knows the choice for that decision. Partitions of other policies never wait, and
//!    nothing is sent back to them.

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
use crate::flow::clock::clock;
use crate::flow::routing::to_first;
use crate::flow::{CheckpointedDecision, Ordered, TrainingRequest};
use crate::selection::{
    Choice, Chosen, Proposal, SelectionCheckpoints, SelectionConfig, TrainingSet,
};
use crate::trigger::Decision;

/// Extension trait for choosing training sets.
pub trait Select<'scope> {
    /// Chooses a training set for each decision, from this stream's changes before the decision's end. The
    /// sets appear on the first worker, in the order of the decisions, with the checkpoints that came with
    /// the decisions.
    ///
    /// The stream must be ordered ([`order`](crate::flow::Order::order)). Partitions continue from their
    /// states in `start`.
    fn select(
        self,
        decided: StreamVec<'scope, Position, CheckpointedDecision>,
        selection: Arc<dyn SelectionConfig>,
        start: SelectionCheckpoints,
    ) -> StreamVec<'scope, Position, TrainingRequest>;
}

impl<'scope> Select<'scope> for Ordered<'scope> {
    fn select(
        self,
        decided: StreamVec<'scope, Position, CheckpointedDecision>,
        selection: Arc<dyn SelectionConfig>,
        start: SelectionCheckpoints,
    ) -> StreamVec<'scope, Position, TrainingRequest> {
        let partitions = Partitions::new(Arc::clone(&selection), start);
        let events = decided.clone().map(|decided| SelectionEvent::Decision(decided.decision));
        if !selection.remembers() {
            let proposals = propose(self, everywhere(events), partitions);
            return combine(decided, proposals, selection);
        }
        let (handle, back) = self.scope().feedback(1);
        let proposals = propose(self, everywhere(events.concat(back)), partitions);
        let requests = combine(decided, proposals, selection);
        let chosen = requests.clone().map(|request| SelectionEvent::Chosen(request.set.chosen()));
        chosen.connect_loop(handle);
        requests
    }
}

/// Events for the partitions of a policy.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum SelectionEvent {
    Decision(Decision),
    Chosen(Chosen),
}

/// The stream, broadcast to all workers.
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
                            SelectionEvent::Decision(decision) => {
                                let capability = stamp.retain_least(output.output_index());
                                let entry = capability.map(|capability| (capability, decision));
                                waiting.extend(entry.map(|entry| (entry.1.trigger, entry)));
                            }
                        }
                    }
                });

                // propose for each decision whose changes have all arrived.
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
    decided: StreamVec<'scope, Position, CheckpointedDecision>,
    proposals: StreamVec<'scope, Position, Proposal>,
    selection: Arc<dyn SelectionConfig>,
) -> StreamVec<'scope, Position, TrainingRequest> {
    type Batches = CapacityContainerBuilder<Vec<TrainingRequest>>;
    let workers = decided.scope().worker().peers();
    let clock = clock(decided.scope().worker());
    decided.binary::<_, Batches, _, _, _, _>(
        proposals,
        Pipeline,
        to_first(),
        "Combine",
        move |_capability, _info| {
            let mut open: VecDeque<(Capability<Position>, CheckpointedDecision)> = VecDeque::new();
            let mut proposed: BTreeMap<u64, (usize, Proposal)> = BTreeMap::new();
            move |decided, proposals, output| {
                decided.for_each(|stamp, batch| {
                    for decided in batch.drain(..) {
                        if let Some(capability) = stamp.retain_least(output.output_index()) {
                            open.push_back((capability, decided));
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
                while let Some((capability, decided)) = open.pop_front() {
                    let trigger = decided.decision.trigger;
                    match proposed.remove(&trigger) {
                        Some((count, all)) if count == workers => {
                            let start = clock();
                            let CheckpointedDecision { decision, checkpoint } = decided;
                            let mut set = training_set(&*selection, decision, all);
                            set.seconds += clock() - start;
                            output.session(&capability).give(TrainingRequest { set, checkpoint });
                        }
                        incomplete => {
                            if let Some(incomplete) = incomplete {
                                proposed.insert(trigger, incomplete);
                            }
                            open.push_front((capability, decided));
                            break;
                        }
                    }
                }
            }
        },
    )
}

/// The training set that a policy chooses from the proposals of all workers. The proposals took
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
