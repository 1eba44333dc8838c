//! The source operator: reads, places, logs and sends this worker's partitions; first of all again
//! what an earlier process logged and policies have not seen.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use driftmill_operators::{Change, Kind, Position, position_time};
use timely::container::CapacityContainerBuilder;
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::operator::source;
use timely::dataflow::{ProbeHandle, Scope, StreamVec};

use super::Context;
use super::part::{Part, Rest};
use super::placing::{changes, rows};
use crate::letters::Letter;
use crate::source::{BadMessage, Fetched, Gate, Partition, Progress, Reader};
use crate::store::LogWriter;

/// Between two looks at partitions that had nothing.
const IDLE: Duration = Duration::from_millis(2);

/// Most records that are released but not yet seen by every policy: beyond it nothing is read.
const UNOBSERVED: u64 = 1_000_000;

/// What one worker reads.
pub(super) struct Ingest {
    context: Arc<Context>,
    parts: Vec<Part>,
    reader: Box<dyn Reader>,
    writer: LogWriter,
    worker: usize,
}

impl Ingest {
    /// Opens what belongs to worker `index`: where samples are selected and scored their rows are at
    /// hand, also where others read in other processes.
    ///
    /// # Errors
    /// When the source cannot be read.
    pub(super) fn open(context: &Arc<Context>, index: usize) -> anyhow::Result<Self> {
        let mine: Vec<Partition> = context
            .partitions
            .iter()
            .enumerate()
            .filter(|(number, _)| context.worker_of(*number) == index)
            .map(|(_, partition)| partition.clone())
            .collect();
        let rest = mine.iter().map(|part| Partition {
            start: context.log.next_offset(part.id(0).stream()).unwrap_or(part.start),
            ..part.clone()
        });
        let rest: Vec<Partition> = rest.collect();
        let reader = context.pipeline.source.open(&rest, context.pipeline.codec.as_ref())?;
        let parts = mine.into_iter().map(|part| Part::new(part, context)).collect();
        let writer = context.log.writer(index)?;
        Ok(Self { context: Arc::clone(context), parts, reader, writer, worker: index })
    }

    /// This worker's changes, each at its own position.
    ///
    /// `released` is how far the order is complete, `observed` how far every policy has seen it.
    pub(super) fn stream<'scope>(
        this: &Rc<RefCell<Self>>,
        scope: Scope<'scope, Position>,
        released: ProbeHandle<Position>,
        observed: ProbeHandle<Position>,
    ) -> StreamVec<'scope, Position, Change> {
        type Batches = CapacityContainerBuilder<Vec<Change>>;
        source::<_, Batches, _, _>(scope, "Ingest", move |capability, info| {
            let wake = scope.activator_for(info.address.clone());
            let mut capability = Some(capability);
            let this = Rc::clone(this);
            move |output| {
                let Some(held) = capability.as_mut() else { return };
                let mut this = this.borrow_mut();
                if this.context.stopping() || this.context.begins_nothing() {
                    return;
                }
                this.follow(&released, &observed);
                let released = frontier(&released);
                let mut again = Again::Later;
                for slot in 0..this.parts.len() {
                    if this.paused(slot, released) {
                        continue;
                    }
                    match this.poll(slot) {
                        Ok((mut changes, progress)) => {
                            output.session(held).give_container(&mut changes);
                            again = again.or(progress);
                        }
                        Err(error) => return this.context.fail(error),
                    }
                }
                if !this.downgrade(held) {
                    capability = None;
                    return;
                }
                match again {
                    Again::Now => wake.activate(),
                    Again::Later => wake.activate_after(IDLE),
                }
            }
        })
    }

    /// Takes note of how far policies are, and shows it.
    pub(super) fn follow(
        &mut self,
        released: &ProbeHandle<Position>,
        observed: &ProbeHandle<Position>,
    ) {
        let [released, observed] = [released, observed].map(frontier);
        self.observed(observed);
        self.tell(released, observed);
    }

    fn observed(&mut self, observed: Option<Position>) {
        for part in &mut self.parts {
            let passed = |(last, _): &mut (Position, u64)| observed.is_none_or(|at| *last < at);
            while part.open.pop_front_if(passed).is_some() {}
        }
    }

    /// Whether a partition is read no further for now.
    fn paused(&self, slot: usize, released: Option<Position>) -> bool {
        let part = &self.parts[slot];
        if part.done || part.rest.goes_on() {
            return true;
        }
        let before = |last: Position| released.is_none_or(|released| last < released);
        let unobserved: u64 = self
            .parts
            .iter()
            .flat_map(|part| &part.open)
            .filter(|(last, _)| before(*last))
            .map(|(_, count)| count)
            .sum();
        if unobserved > UNOBSERVED {
            return true;
        }
        let unreleased: u64 =
            part.open.iter().filter(|(last, _)| !before(*last)).map(|(_, count)| count).sum();
        let rules = &self.context.pipeline.order;
        // the partition that holds the watermark is never paused: the others wait for it.
        let holds = released.is_some_and(|released| part.reached(rules) <= released);
        unreleased >= rules.lead.get() as u64 && !holds
    }

    /// What partition `slot` has: what was logged before, then what is read, placed and logged.
    fn poll(&mut self, slot: usize) -> anyhow::Result<(Vec<Change>, Progress)> {
        let keyed = self.context.pipeline.source.keyed().is_some();
        if let Some(logged) = self.parts[slot].replayed(keyed) {
            return Ok((logged?, Progress::More));
        }
        let part = &mut self.parts[slot];
        let rules = &self.context.pipeline.order;
        let classes = self.context.pipeline.model.classes();
        let keyed = self.context.pipeline.source.keyed().is_some();
        let gate = Gate { rules, lateness: &mut part.lateness, classes, keyed };
        let mut fetched = Fetched::new(self.context.log.schema().clone(), gate);
        // as many as before: a vector that grows is copied many times.
        fetched.columns.reserve(part.rest.came);
        let progress = self.reader.poll(slot, self.context.poll, &mut fetched)?;
        part.rest = Rest::after(fetched.len(), progress);
        part.done = progress == Progress::End;
        part.idle = progress == Progress::Wait;
        if fetched.is_empty() {
            return Ok((Vec::new(), progress));
        }
        self.context.letters(letters(&part.partition, &fetched.bad))?;
        let bad = fetched.bad.len() as u64;
        // in the log before it is sent: whoever sees a change can fetch its row.
        let mut rows = rows(&part.partition, fetched);
        rows.highest = part.lateness.highest();
        let changes = changes(&rows, keyed);
        let samples = changes.iter().filter(|change| change.kind == Kind::Insert).count();
        self.context.status.read(samples as u64, bad, u64::from(rows.late));
        part.sent(&rows, &changes);
        self.writer.append(rows)?;
        Ok((changes, progress))
    }

    /// Shows how far decisions are, how much is before them, and what they wait for.
    fn tell(&self, released: Option<Position>, observed: Option<Position>) {
        let status = &self.context.status;
        if let Some(observed) = observed {
            status.reached(position_time(observed));
        }
        let left = |(slot, part): (usize, &Part)| Some(self.reader.left(slot)? + part.undecided());
        status.left(self.worker, self.parts.iter().enumerate().map(left).sum());
        let rules = &self.context.pipeline.order;
        // what is released but not observed waits for policies, not for messages.
        let waits = released.filter(|released| observed.is_none_or(|at| *released <= at));
        let holds = |part: &&Part| part.idle && waits.is_some_and(|at| part.reached(rules) <= at);
        let holder = self.parts.iter().find(holds).filter(|_| self.context.partitions.len() > 1);
        let name = |part: &Part| format!("{}/{}", part.partition.topic, part.partition.partition);
        status.held_by(self.worker, holder.map(name));
    }

    /// Lets go of what no later record can be before; false when there are none.
    fn downgrade(&self, capability: &mut Capability<Position>) -> bool {
        let rules = &self.context.pipeline.order;
        let reached = self.parts.iter().filter(|part| !part.done).map(|part| part.reached(rules));
        match reached.min() {
            Some(reached) => {
                capability.downgrade(&reached);
                true
            }
            None => false,
        }
    }
}

/// When to look again.
enum Again {
    Now,
    Later,
}

impl Again {
    fn or(self, progress: Progress) -> Self {
        match progress {
            Progress::More => Self::Now,
            Progress::Wait | Progress::End => self,
        }
    }
}

/// Messages that are not samples, with their story.
fn letters(partition: &Partition, bad: &[BadMessage]) -> Vec<Letter> {
    bad.iter()
        .map(|message| Letter {
            topic: partition.topic.clone(),
            partition: partition.partition,
            offset: message.offset,
            timestamp: message.timestamp,
            stage: message.reason.stage().to_owned(),
            error: message.reason.class().to_owned(),
            reason: message.reason.to_string(),
            run: String::new(),
            key: message.key.clone(),
            payload: message.payload.clone(),
        })
        .collect()
}

fn frontier(probe: &ProbeHandle<Position>) -> Option<Position> {
    probe.with_frontier(|frontier| frontier.first().copied())
}
