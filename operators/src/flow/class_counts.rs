//! Counts of classes per interval of event time, as a differential collection.
//!
//! Retractions are subtracted: those of replaced and deleted samples and those of corrected labels. A batch
//! of changes has one time, and its updates are summed before they enter the collection, because a time for
//! each change costs seventeen times as much. The final counts depend neither on the cut of batches nor on
//! the number of workers.

use std::collections::BTreeMap;
use std::rc::Rc;

use differential_dataflow::AsCollection;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::generic::Operator;
use timely::dataflow::operators::vec::Map;

use super::Ordered;
use crate::{Change, Kind, Position};

/// The number of an interval of event time, and a class; none for samples without a label.
pub type Class = (i64, Option<u32>);

/// Extension trait for statistics of classes.
pub trait CountClasses<'scope> {
    /// Counts the samples of each class in intervals of event time of `interval` milliseconds. Without
    /// `interval` there is a single interval, number 0.
    ///
    /// The output is the change of each count. The stream must be ordered ([`order`](super::Order::order)).
    /// Each worker's output contains other classes.
    fn count_classes(self, interval: Option<i64>) -> StreamVec<'scope, Position, (Class, i64)>;
}

impl<'scope> CountClasses<'scope> for Ordered<'scope> {
    fn count_classes(self, interval: Option<i64>) -> StreamVec<'scope, Position, (Class, i64)> {
        type Batches = CapacityContainerBuilder<Vec<(Class, Position, isize)>>;
        let updates = self.unary::<Batches, _, _, _>(Pipeline, "Classes", move |_, _| {
            move |input, output| {
                input.for_each(|stamp, batch| {
                    let Some(capability) = stamp.retain_least(output.output_index()) else {
                        return;
                    };
                    let at = *capability.time();
                    let updates = summed_up(batch, interval);
                    let updates = updates.into_iter().filter(|(_, count)| *count != 0);
                    let updates = updates.map(|(class, count)| (class, at, count));
                    output.session(&capability).give_iterator(updates);
                });
            }
        });
        // a class and its count, added or removed.
        let counts = updates.as_collection().count().inner;
        counts.map(|((class, count), _, there)| (class, count as i64 * there as i64))
    }
}

/// The change of each count by a batch.
fn summed_up(batch: &Rc<Vec<Change>>, interval: Option<i64>) -> BTreeMap<Class, isize> {
    let mut sums = BTreeMap::new();
    for change in batch.iter() {
        let record = &change.record;
        let number = interval.map_or(0, |length| record.time.div_euclid(length));
        let mut add = |label, count| *sums.entry((number, label)).or_default() += count;
        match change.kind {
            Kind::Insert => add(record.label, 1),
            Kind::Retract => add(record.label, -1),
            Kind::Label => {
                add(record.label, 1);
                add(change.before, -1);
            }
            Kind::Delete => {}
        }
    }
    sums
}
