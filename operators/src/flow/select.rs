//! Lets a selection policy choose the training set of each decision.
//!
//! ```text
//!  changes (ordered, per worker) ─► shard ─► proposals ─► combine ─► training sets
//!  decisions ──────── broadcast ─────┘                       │        (first worker)
//!      └──────────────────────────────────────────────────────┘
//! ```
//!
//! Each partition of a worker is a shard.
//!
//! 1. A shard has observed exactly the changes before a decision's end when it proposes for it.
//! 2. Each worker proposes once for each decision, so a set is complete when all have.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::{Exchange, Pipeline};
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::Operator;
use timely::dataflow::operators::vec::Broadcast;

use super::shards::{Shards, Standings};
use super::{Decided, Ordered};
use crate::Position;
use crate::selection::{Proposal, SelectionConfig, TrainingSet};

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
        let everywhere = if self.scope().worker().peers() == 1 {
            decisions.clone()
        } else {
            decisions.clone().broadcast()
        };
        let proposals = propose(self, everywhere, Shards::new(Arc::clone(&selection), start));
        combine(decisions, proposals, selection)
    }
}

fn propose<'scope>(
    changes: Ordered<'scope>,
    decisions: StreamVec<'scope, Position, Decided>,
    mut shards: Shards,
) -> StreamVec<'scope, Position, Proposal> {
    type Batches = CapacityContainerBuilder<Vec<Proposal>>;
    changes.binary_frontier::<_, Batches, _, _, _, _>(
        decisions,
        Pipeline,
        Pipeline,
        "Propose",
        move |_capability, _info| {
            let mut waiting: BTreeMap<u64, (Capability<Position>, Decided)> = BTreeMap::new();
            move |(changes, known), (decisions, decided), output| {
                changes.for_each(|_, batch| shards.push(std::mem::take(batch)));
                decisions.for_each(|stamp, batch| {
                    for decision in batch.drain(..) {
                        if let Some(capability) = stamp.retain_least(output.output_index()) {
                            waiting.insert(decision.trigger, (capability, decision));
                        }
                    }
                });

                // propose for each decision whose changes are all here.
                while let Some(entry) = waiting.first_entry()
                    && !known.less_than(&entry.get().1.end())
                {
                    let (capability, decision) = entry.remove();
                    let proposal = shards.propose(decision.trigger, decision.end());
                    output.session(&capability).give(proposal);
                }

                // no later decision can end before its frontier, so the policy may go on to there.
                if waiting.is_empty() {
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
                        all.reach += proposal.reach;
                        all.candidates.extend(proposal.candidates);
                        all.shards.extend(proposal.shards);
                    }
                });
                while let Some((capability, decision)) = open.pop_front() {
                    match proposed.remove(&decision.trigger) {
                        Some((count, all)) if count == shards => {
                            let rows = selection.combine(all.candidates);
                            let (decided, candidates) = (decision, all.reach);
                            let mut shards = all.shards;
                            shards.sort_by_key(|(stream, _)| *stream);
                            let set = TrainingSet { decided, candidates, rows, shards };
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
