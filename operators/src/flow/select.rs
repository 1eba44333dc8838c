//! Lets a selection policy choose the training set of each decision.
//!
//! ```text
//!  changes (ordered, per worker) ─► shard ─► proposals ─► combine ─► training sets
//!  decisions ──────── broadcast ─────┘ ▲                     │ │      (first worker)
//!      │                               └── broadcast ◄───────┼─┘ chosen, if the policy remembers
//!      └─────────────────────────────────────────────────────┘
//! ```
//!
//! Each partition of a worker is a shard.
//!
//! 1. A shard has observed exactly the changes before a decision's end when it proposes for it.
//! 2. Each worker proposes once for each decision, so a set is complete when all have.
//! 3. A shard of a policy that remembers what was chosen observes nothing and proposes nothing more
//!    until it knows what was chosen for the decision that it proposed for last. Others never wait,
//!    and nothing is sent back.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::{Exchange, Pipeline};
use timely::dataflow::operators::generic::Operator;
use timely::dataflow::operators::vec::{Broadcast, Map};
use timely::dataflow::operators::{Capability, Concat, ConnectLoop, Feedback};

use super::looked::clock;
use super::shards::{Shards, Standings};
use super::{Decided, Ordered};
use crate::Position;
use crate::selection::{Choice, Chosen, Proposal, SelectionConfig, TrainingSet};

/// Extension trait for choosing what to train on.
pub trait Select<'scope> {
    /// Chooses a training set for each decision, from this stream's changes before the decision's
    /// end; the sets appear on the first worker, in the order of the decisions.
    ///
    /// The stream must be ordered ([`order`](super::Order::order)). Shards go on from where they
    /// stand in `start`.
    fn select(
        self,
        decisions: StreamVec<'scope, Position, Decided>,
        selection: Arc<dyn SelectionConfig>,
        start: Standings,
    ) -> StreamVec<'scope, Position, TrainingSet>;
}

impl<'scope> Select<'scope> for Ordered<'scope> {
    fn select(
        self,
        decisions: StreamVec<'scope, Position, Decided>,
        selection: Arc<dyn SelectionConfig>,
        start: Standings,
    ) -> StreamVec<'scope, Position, TrainingSet> {
        let shards = Shards::new(Arc::clone(&selection), start);
        let told = decisions.clone().map(Told::Decided);
        if !selection.remembers() {
            let proposals = propose(self, everywhere(told), shards);
            return combine(decisions, proposals, selection);
        }
        let (handle, back) = self.scope().feedback(1);
        let proposals = propose(self, everywhere(told.concat(back)), shards);
        let sets = combine(decisions, proposals, selection);
        sets.clone().map(|set| Told::Chosen(set.chosen())).connect_loop(handle);
        sets
    }
}

/// What shards are told of decisions.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Told {
    Decided(Decided),
    Chosen(Chosen),
}

/// The stream on all workers.
fn everywhere(told: StreamVec<'_, Position, Told>) -> StreamVec<'_, Position, Told> {
    if told.scope().worker().peers() == 1 { told } else { told.broadcast() }
}

fn propose<'scope>(
    changes: Ordered<'scope>,
    told: StreamVec<'scope, Position, Told>,
    mut shards: Shards,
) -> StreamVec<'scope, Position, Proposal> {
    type Batches = CapacityContainerBuilder<Vec<Proposal>>;
    let clock = clock(told.scope().worker());
    changes.binary_frontier::<_, Batches, _, _, _, _>(
        told,
        Pipeline,
        Pipeline,
        "Propose",
        move |_capability, _info| {
            let mut waiting: BTreeMap<u64, (Capability<Position>, Decided)> = BTreeMap::new();
            move |(changes, known), (told, decided), output| {
                changes.for_each(|_, batch| shards.push(std::mem::take(batch)));
                told.for_each(|stamp, batch| {
                    for told in batch.drain(..) {
                        match told {
                            Told::Chosen(chosen) => shards.chosen(&chosen),
                            Told::Decided(decision) => {
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
                    && !shards.wait()
                {
                    let (capability, decision) = entry.remove();
                    let since = clock();
                    let mut proposal = shards.propose(decision.trigger, decision.end());
                    proposal.seconds = clock() - since;
                    output.session(&capability).give(proposal);
                }

                // no later decision can end before its frontier, so the policy may go on to there.
                if waiting.is_empty() && !shards.wait() {
                    shards.observe_before(decided.frontier().first().copied());
                }
            }
        },
    )
}

fn combine<'scope>(
    decisions: StreamVec<'scope, Position, Decided>,
    proposals: StreamVec<'scope, Position, Proposal>,
    selection: Arc<dyn SelectionConfig>,
) -> StreamVec<'scope, Position, TrainingSet> {
    type Batches = CapacityContainerBuilder<Vec<TrainingSet>>;
    let shards = decisions.scope().worker().peers();
    let clock = clock(decisions.scope().worker());
    let to_first = Exchange::new(|_: &Proposal| 0);
    decisions.binary::<_, Batches, _, _, _, _>(
        proposals,
        Pipeline,
        to_first,
        "Combine",
        move |_capability, _info| {
            let mut open: VecDeque<(Capability<Position>, Decided)> = VecDeque::new();
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
                        Some((count, mut all)) if count == shards => {
                            let mut shards = std::mem::take(&mut all.shards);
                            shards.sort_by_key(|(stream, _)| *stream);
                            let (decided, candidates) = (decision, all.reach);
                            let (proposing, since) = (all.seconds, clock());
                            let Choice { rows, round, memory } = selection.combine(all);
                            let seconds = proposing + clock() - since;
                            let set = TrainingSet {
                                decided,
                                candidates,
                                rows,
                                round,
                                memory,
                                shards,
                                seconds,
                            };
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
