//! Keyed samples: replaced, deleted and labelled by key.
//!
//! ```text
//!  inserts, deletes, labels ─► by key, ordered ─► upsert ─► by partition, ordered ─► inserts,
//!       (ordered, per worker)                       └─► unmatched                retractions, labels
//! ```
//!
//! A single worker exchanges nothing, and batches without a difference are passed on unchanged. The output
//! is a function of the ordered changes alone:
//!
//! 1. A sample replaces the sample with its key. The old sample is retracted at the position of the new one
//!    and before it. A deletion follows the retraction that it causes. Across partitions the larger
//!    position wins.
//! 2. A label is that of its key's sample from the label's position on. It passes to a sample that replaces
//!    this one, unless the new sample has a label of its own: the newest label is valid.
//! 3. A sample without a label is held back until its label arrives, at most until the order passes its
//!    event time + `label_wait`. It then enters at the position of its label, or at the end of the wait.
//! 4. A label without a sample waits equally long and is then an unmatched label.

mod samples;
mod table;
mod waiting;

use std::rc::Rc;

use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::{Exchange, Pipeline};
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;

use self::samples::Samples;
use super::Ordered;
use super::order::{order_with, own};
use crate::{Change, Position, Span};

/// Number of changes whose keys are prefetched together.
const AHEAD: usize = 16;

/// Labels without a sample, each with the position at which its wait ended.
pub type UnmatchedLabels<'scope> = StreamVec<'scope, Position, Change>;

/// Extension trait for keyed samples.
pub trait Upsert<'scope> {
    /// Keeps one sample for each key, and joins it with the labels that arrive separately.
    ///
    /// The stream must be ordered ([`order`](super::Order::order)), and its records must have keys. All
    /// changes of one partition's samples appear on one worker. A frontier p of the output means that every
    /// change before p has been released.
    fn upsert(self, label_wait: Span) -> (Ordered<'scope>, UnmatchedLabels<'scope>);
}

impl<'scope> Upsert<'scope> for Ordered<'scope> {
    fn upsert(self, label_wait: Span) -> (Ordered<'scope>, UnmatchedLabels<'scope>) {
        if self.scope().worker().peers() == 1 {
            return upsert(self, label_wait);
        }
        let by_key = Exchange::new(|change: &Change| change.record.key as u64);
        let by_partition = Exchange::new(|change: &Change| u64::from(change.record.id().stream()));
        let (changes, unmatched) = upsert(order_with(own(self), by_key, "OrderByKey"), label_wait);
        (order_with(own(changes), by_partition, "OrderByPartition"), unmatched)
    }
}

fn upsert(changes: Ordered<'_>, label_wait: Span) -> (Ordered<'_>, UnmatchedLabels<'_>) {
    let mut builder = OperatorBuilder::new("Upsert".to_owned(), changes.scope());
    let mut input = builder.new_input(changes, Pipeline);
    let (output, ordered) = builder.new_output();
    let mut output = OutputBuilder::<_, CapacityContainerBuilder<Rc<Vec<Change>>>>::from(output);
    let (unmatched_output, unmatched) = builder.new_output();
    let mut unmatched_output =
        OutputBuilder::<_, CapacityContainerBuilder<Vec<Change>>>::from(unmatched_output);
    builder.build(move |_capabilities| {
        let mut samples = Samples::new(label_wait);
        // one capability for each output, for a time not after anything that may still be sent.
        let mut held: Option<[Capability<Position>; 2]> = None;
        move |frontiers| {
            let (mut output, mut unmatched_output) =
                (output.activate(), unmatched_output.activate());
            let mut released = Vec::new();
            input.for_each(|stamp, batch| {
                let came = stamp.retain_least(0).zip(stamp.retain_least(1)).map(<[_; 2]>::from);
                // the changes that wait may be later than those that arrive.
                let earlier = |held: &[Capability<Position>; 2]| {
                    came.as_ref().is_some_and(|came| came[0].time() < held[0].time())
                };
                if held.as_ref().is_none_or(earlier) {
                    held = came;
                }
                released.push(passed_on(&mut samples, std::mem::take(batch)));
            });
            let mut ended = Vec::new();
            samples
                .pass(frontiers[0].frontier().first().copied(), &mut |change| ended.push(change));
            released.push(Rc::new(ended));
            let Some([of_changes, of_orphans]) = &mut held else { return };
            for mut batch in released.into_iter().filter(|batch| !batch.is_empty()) {
                output.session(&*of_changes).give_container(&mut batch);
            }
            unmatched_output.session(&*of_orphans).give_iterator(samples.unmatched.drain(..));
            match samples.next_end() {
                Some(end) => [of_changes, of_orphans].into_iter().for_each(|c| c.downgrade(&end)),
                None => held = None,
            }
        }
    });
    (ordered, unmatched)
}

/// The changes that result from a batch: the batch itself if all its changes pass unchanged.
fn passed_on(samples: &mut Samples, came: Rc<Vec<Change>>) -> Rc<Vec<Change>> {
    let mut same = 0;
    let mut changed: Option<Vec<Change>> = None;
    for (number, change) in came.iter().enumerate() {
        if number % AHEAD == 0 {
            samples.approach(&came[number..came.len().min(number + AHEAD)]);
        }
        let mut push = |out: Change| match &mut changed {
            None if came.get(same) == Some(&out) => same += 1,
            None => changed.insert(came[..same].to_vec()).push(out),
            Some(changed) => changed.push(out),
        };
        samples.pass(Some(change.at), &mut push);
        samples.apply(change, &mut push);
    }
    match changed {
        Some(changed) => Rc::new(changed),
        None if same == came.len() => came,
        None => Rc::new(came[..same].to_vec()),
    }
}
