//! The routing of records to workers.

use timely::dataflow::channels::pact::Exchange;

/// Sends every record to the first worker.
pub(super) fn to_first<T: 'static>() -> Exchange<T, impl FnMut(&T) -> u64 + 'static> {
    Exchange::new(|_: &T| 0)
}
