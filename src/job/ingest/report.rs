//! Reports of a worker on its partitions: progress, and outages of the source.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use driftmill_operators::{Position, Span};

use super::partition::PartitionState;
use crate::job::Context;
use crate::source::Reader;

/// The pause between two checks of the source.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// The time after which an open transaction is reported.
const OPEN: Duration = Duration::from_secs(10);

/// The lead of one partition over another above which it is reported, in milliseconds.
const FAR: i64 = 3_600_000;

/// A transaction for which a partition waits.
struct OpenTransaction {
    /// Its first offset.
    offset: u64,
    since: Instant,
    reported: bool,
}

/// The progress of a worker's dataflow; `None` at the end of the stream.
#[derive(Clone, Copy)]
pub(super) struct Frontiers {
    /// The order is complete before this position.
    pub(super) released: Option<Position>,
    /// Every policy has observed all changes before this position.
    pub(super) observed: Option<Position>,
}

/// Reports on one worker's partitions.
pub(super) struct Report {
    context: Arc<Context>,
    worker: usize,
    /// Whether a message arrived since the source was last checked.
    answered: bool,
    checked: Instant,
    /// Open transactions, by the number of the partition on this worker.
    transactions: BTreeMap<usize, OpenTransaction>,
}

impl Report {
    pub(super) fn new(context: &Arc<Context>, worker: usize) -> Self {
        Self {
            context: Arc::clone(context),
            worker,
            answered: false,
            checked: Instant::now(),
            transactions: BTreeMap::new(),
        }
    }

    /// Records that the source answered, so that an outage is over.
    pub(super) fn answered(&mut self) {
        if !std::mem::replace(&mut self.answered, true) {
            self.context.cancellation.outages().end(&self.source_name());
        }
    }

    /// Reports the progress of decisions, the number of remaining records, and the partition that holds
    /// them back.
    pub(super) fn progress(
        &self,
        parts: &[PartitionState],
        reader: &dyn Reader,
        Frontiers { released, observed }: Frontiers,
    ) {
        let status = &self.context.status;
        if let Some(observed) = observed {
            status.observed(observed.time());
        }
        let left =
            |(slot, part): (usize, &PartitionState)| Some(reader.left(slot)? + part.undecided());
        status.left(self.worker, parts.iter().enumerate().map(left).sum());
        let rules = &self.context.pipeline.order;
        // changes that are released but not observed wait for policies, not for messages.
        let waits = released.filter(|released| observed.is_none_or(|at| *released <= at));
        let holds = |part: &&PartitionState| {
            part.idle && waits.is_some_and(|at| part.low_watermark(rules) <= at)
        };
        let holder = parts.iter().find(holds).filter(|_| self.context.partitions.len() > 1);
        status.held_by(self.worker, holder.map(|part| self.waiting_for(part, parts)));
    }

    /// Reports outages of the source, and partitions that are not read yet.
    pub(super) fn source(&mut self, parts: &[PartitionState], reader: &dyn Reader) {
        if self.checked.elapsed() < CHECK_INTERVAL {
            return;
        }
        self.checked = Instant::now();
        let outages = self.context.cancellation.outages();
        // an error of the connection may be older than the last messages.
        match reader.trouble().filter(|_| !std::mem::take(&mut self.answered)) {
            Some(reason) => drop(outages.begin(&self.source_name(), &reason)),
            None => drop(outages.end(&self.source_name())),
        }
        for (slot, part) in parts.iter().enumerate() {
            self.transaction(slot, &part.name(), reader.open_transaction(slot));
            let topic = &part.partition.topic;
            let known = self.context.partitions.iter().filter(|known| known.topic == *topic);
            if reader.partitions(slot).is_some_and(|now| now > known.count()) {
                self.context.grow(topic);
            }
        }
    }

    /// Reports a partition whose latest samples are all late, the newest at event time `last`: an earlier
    /// one was far ahead.
    pub(super) fn all_late(part: &PartitionState, last: Option<&i64>) {
        let ahead = last.map_or(0, |last| part.watermark.highest().saturating_sub(*last));
        tracing::warn!(
            "the latest samples of `{}` are all late: an earlier one was {} ahead\n\
             hint: `order.max_ahead` and `order.time_range` reject such event times",
            part.name(),
            Span::from_millis(ahead)
        );
    }

    /// The partition that all others wait for, and the setting that would end the wait.
    fn waiting_for(&self, part: &PartitionState, parts: &[PartitionState]) -> String {
        let mut text = part.name();
        let released = part.low_watermark(&self.context.pipeline.order).time();
        if let Some((other, ahead)) = furthest_ahead(parts, released) {
            text += &format!(", which `{}` is {ahead} ahead of", other.name());
        }
        if part.next == part.partition.start {
            text += ", which has no message yet";
        }
        if self.context.pipeline.order.idle_after.is_none() {
            text += " (`order.idle_after` limits the wait)";
        }
        text
    }

    /// Reports a transaction that hides messages of a partition, once it has been open for a while.
    fn transaction(&mut self, slot: usize, name: &str, open: Option<u64>) {
        let outages = self.context.cancellation.outages();
        let known = self.transactions.get_mut(&slot);
        match (open, known) {
            (Some(offset), Some(known)) if known.offset == offset => {
                if !known.reported && known.since.elapsed() > OPEN {
                    known.reported = true;
                    outages.begin(name, &format!("open transaction at offset {offset}"));
                    tracing::warn!(
                        "messages of `{name}` from offset {offset} on wait for the end of a \
                         transaction\n\
                         hint: if its producer no longer runs, `kafka-transactions.sh abort` \
                         with this topic, partition and start offset ends it"
                    );
                }
            }
            (Some(offset), _) => {
                outages.end(name);
                let opened = OpenTransaction { offset, since: Instant::now(), reported: false };
                self.transactions.insert(slot, opened);
            }
            (None, _) => {
                outages.end(name);
                self.transactions.remove(&slot);
            }
        }
    }

    /// The name under which an outage of the source is shown.
    fn source_name(&self) -> String {
        match self.context.workers {
            1 => "source".to_owned(),
            _ => format!("source {}", self.worker),
        }
    }
}

/// The partition that is furthest ahead of `time` and its lead, if that is large.
fn furthest_ahead(parts: &[PartitionState], time: i64) -> Option<(&PartitionState, Span)> {
    let idle = parts.iter().filter(|part| part.idle && part.watermark.highest() != i64::MIN);
    let furthest = idle.max_by_key(|part| part.watermark.highest())?;
    let ahead = furthest.watermark.highest().saturating_sub(time);
    (time != i64::MIN && ahead > FAR).then(|| (furthest, Span::from_millis(ahead)))
}
