//! Reports of a worker about its partitions: progress, and outages of the source.

use std::sync::Arc;
use std::time::{Duration, Instant};

use driftmill_operators::Position;

use super::partition::PartitionState;
use crate::job::Context;
use crate::source::Reader;

/// The pause between two checks of the source.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// How far a worker's dataflow is; `None` when the stream has ended there.
#[derive(Clone, Copy)]
pub(super) struct Frontiers {
    /// The order is complete before this position.
    pub(super) released: Option<Position>,
    /// Every policy has seen all changes before this position.
    pub(super) observed: Option<Position>,
}

/// Reports on one worker's partitions.
pub(super) struct Report {
    context: Arc<Context>,
    worker: usize,
    /// Whether a message arrived since the source was last checked.
    answered: bool,
    checked: Instant,
}

impl Report {
    pub(super) fn new(context: &Arc<Context>, worker: usize) -> Self {
        Self { context: Arc::clone(context), worker, answered: false, checked: Instant::now() }
    }

    /// Notes that the source answered; an outage is over.
    pub(super) fn answered(&mut self) {
        if !std::mem::replace(&mut self.answered, true) {
            self.context.cancellation.outages().end(&self.source_name());
        }
    }

    /// Reports how far decisions are, how many records are left, and which partition holds them back.
    pub(super) fn progress(
        &self,
        parts: &[PartitionState],
        reader: &dyn Reader,
        Frontiers { released, observed }: Frontiers,
    ) {
        let status = &self.context.status;
        if let Some(observed) = observed {
            status.reached(observed.time());
        }
        let left =
            |(slot, part): (usize, &PartitionState)| Some(reader.left(slot)? + part.undecided());
        status.left(self.worker, parts.iter().enumerate().map(left).sum());
        let rules = &self.context.pipeline.order;
        // what is released but not observed waits for policies, not for messages.
        let waits = released.filter(|released| observed.is_none_or(|at| *released <= at));
        let holds =
            |part: &&PartitionState| part.idle && waits.is_some_and(|at| part.reached(rules) <= at);
        let holder = parts.iter().find(holds).filter(|_| self.context.partitions.len() > 1);
        status.held_by(self.worker, holder.map(PartitionState::name));
    }

    /// Reports it when the source does not answer, or a topic has partitions that are not read.
    pub(super) fn source(&mut self, parts: &[PartitionState], reader: &dyn Reader) {
        if self.checked.elapsed() < CHECK_INTERVAL {
            return;
        }
        self.checked = Instant::now();
        let outages = self.context.cancellation.outages();
        // an error of the connection may be older than the messages that have arrived since.
        match reader.trouble().filter(|_| !std::mem::take(&mut self.answered)) {
            Some(reason) => drop(outages.begin(&self.source_name(), &reason)),
            None => drop(outages.end(&self.source_name())),
        }
        for (slot, part) in parts.iter().enumerate() {
            let topic = &part.partition.topic;
            let known = self.context.partitions.iter().filter(|known| known.topic == *topic);
            if reader.partitions(slot).is_some_and(|now| now > known.count()) {
                self.context.grow(topic);
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
