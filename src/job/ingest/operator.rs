//! The source operator: it reads, positions, logs and sends this worker's partitions. It starts with logged
//! records of an earlier process that policies have not observed.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use driftmill_operators::{Change, Kind, Position};
use timely::container::CapacityContainerBuilder;
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::operator::source;
use timely::dataflow::{ProbeHandle, Scope, StreamVec};
use timely::worker::Worker;

use super::append::{Append, Appended};
use super::partition::PartitionState;
use super::report::{Frontiers, Report};
use super::rows::{dead_letters, rows};
use super::watermarks::{WatermarkExchange, WorkerWatermark};
use crate::job::Context;
use crate::job::services::reads::Reads;
use crate::source::{Fetched, Gate, Partition, Progress, Reader};
use crate::store::LogWriter;

/// The pause before idle partitions are polled again.
const IDLE: Duration = Duration::from_millis(2);

/// Reads the partitions of one worker.
pub(in crate::job) struct Ingest {
    context: Arc<Context>,
    parts: Vec<PartitionState>,
    reader: Box<dyn Reader>,
    append: Append,
    /// Used if idle partitions are left behind.
    watermarks: Option<WatermarkExchange>,
    report: Report,
}

impl Ingest {
    /// Opens the partitions of a worker. The rows of its samples are available where they are selected and
    /// scored, even if other processes read them.
    ///
    /// # Errors
    /// When the source cannot be read.
    pub(in crate::job) fn open(
        context: &Arc<Context>,
        worker: &mut Worker,
    ) -> anyhow::Result<Self> {
        let index = worker.index();
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
        let reads = Reads::start()?;
        let parts = mine.into_iter().map(|part| PartitionState::new(part, context, &reads));
        let parts = parts.collect();
        let writer = LogWriter::open(&context.log, index)?;
        let sleeps = context.pipeline.order.idle_after.is_some();
        let watermarks = sleeps.then(|| WatermarkExchange::open(worker));
        Ok(Self {
            append: Append::new(writer, context),
            report: Report::new(context, index),
            context: Arc::clone(context),
            parts,
            reader,
            watermarks,
        })
    }

    /// The changes of this worker, each at its own position.
    ///
    /// `released` is the frontier of the order, and `observed` that of all policies.
    pub(in crate::job) fn stream<'scope>(
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
                if this.context.stopping() || this.context.is_winding_down() {
                    return;
                }
                this.follow(&released, &observed);
                let released = frontier(&released);
                let mut again = NextPoll::Later;
                match this.append.retry() {
                    Ok(Some(Appended { mut changes, progress })) => {
                        output.session(held).give_container(&mut changes);
                        again = again.or(progress);
                    }
                    Ok(None) => {}
                    Err(error) => return this.context.fail(error),
                }
                for slot in 0..this.parts.len() {
                    if this.paused(slot, released) {
                        continue;
                    }
                    match this.poll(slot, *held.time()) {
                        Ok(Appended { mut changes, progress }) => {
                            output.session(held).give_container(&mut changes);
                            again = again.or(progress);
                        }
                        Err(error) => return this.context.fail(error),
                    }
                }
                if this.append.is_waiting() {
                    // the changes are still to be sent, at the held time.
                    return wake.activate_after(IDLE);
                }
                if !this.downgrade(held) {
                    (capability, this.watermarks) = (None, None);
                    return;
                }
                match again {
                    NextPoll::Now => wake.activate(),
                    NextPoll::Later => wake.activate_after(IDLE),
                }
            }
        })
    }

    /// Records and reports the progress of policies.
    pub(in crate::job) fn follow(
        &mut self,
        released: &ProbeHandle<Position>,
        observed: &ProbeHandle<Position>,
    ) {
        let [released, observed] = [released, observed].map(frontier);
        self.observed(observed);
        self.report.progress(&self.parts, self.reader.as_ref(), Frontiers { released, observed });
        self.report.source(&self.parts, self.reader.as_ref());
    }

    fn observed(&mut self, observed: Option<Position>) {
        for part in &mut self.parts {
            let passed = |(last, _): &mut (Position, u64)| observed.is_none_or(|at| *last < at);
            while part.open.pop_front_if(passed).is_some() {}
        }
    }

    /// Whether a partition is not read any further for now.
    fn paused(&self, slot: usize, released: Option<Position>) -> bool {
        let part = &self.parts[slot];
        if part.done || part.pause.is_active() || self.is_blocked() {
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
        let rules = &self.context.pipeline.order;
        let max_buffered = rules.max_buffered.get() as u64;
        if unobserved > max_buffered {
            return true;
        }
        let unreleased: u64 =
            part.open.iter().filter(|(last, _)| !before(*last)).map(|(_, count)| count).sum();
        // the partition that holds the watermark is never paused, because the others wait for it.
        let holds = released.is_some_and(|released| part.low_watermark(rules) <= released);
        unreleased >= max_buffered && !holds
    }

    /// The next changes of partition `slot`: first those that were logged before, then records that are
    /// read, positioned and logged. A partition that was asleep continues at `held`.
    fn poll(&mut self, slot: usize, held: Position) -> anyhow::Result<Appended> {
        let keyed = self.context.pipeline.source.keyed().is_some();
        let rules = &self.context.pipeline.order;
        let part = &mut self.parts[slot];
        if let Some(logged) = part.replayed(keyed, rules)? {
            return Ok(logged);
        }
        if part.asleep {
            part.raise(rules, held);
        }
        let classes = self.context.pipeline.model.classes();
        let gate = Gate { rules, watermark: &mut part.watermark, classes, keyed };
        let mut fetched = Fetched::new(self.context.log.schema().clone(), self.context.poll, gate);
        // reserves the size of the last poll: a growing vector is copied many times.
        fetched.columns.reserve(part.pause.messages);
        let progress = self.reader.poll(slot, &mut fetched)?;
        let messages = fetched.len();
        if messages == 0 {
            part.polled(messages, progress);
            return Ok(Appended { changes: Vec::new(), progress });
        }
        let dead_letters = dead_letters(&part.partition, &fetched.invalid);
        // before the rows are appended: a commit that covers the rows then includes the dead letters.
        if !dead_letters.is_empty() {
            self.context.commands.send_dead_letters(dead_letters);
        }
        let invalid = fetched.invalid.len() as u64;
        // logged before it is sent: an operator that sees a change can fetch its row.
        let mut rows = rows(&part.partition, fetched);
        rows.highest = part.watermark.highest();
        let changes = rows.changes(keyed);
        let samples = changes.iter().filter(|change| change.kind == Kind::Insert).count();
        self.context.status.read(samples as u64, invalid, u64::from(rows.late));
        if part.arrived_late(samples as u64, u64::from(rows.late)) {
            Report::all_late(part, rows.times.last());
        }
        part.polled(messages, progress);
        part.sent(&rows, &changes);
        self.report.answered();
        let appended = self.append.write(rows, Appended { changes, progress })?;
        Ok(appended.unwrap_or(Appended { changes: Vec::new(), progress: Progress::Wait }))
    }

    /// Whether nothing can be read for now, because the disk is full or the coordinator is busy.
    fn is_blocked(&self) -> bool {
        self.append.is_waiting() || self.context.commands.is_full()
    }

    /// Downgrades the capability to the earliest position of later records. Returns false if there are
    /// none.
    fn downgrade(&mut self, capability: &mut Capability<Position>) -> bool {
        let rules = &self.context.pipeline.order;
        for part in &mut self.parts {
            if part.falls_asleep(rules) {
                tracing::info!("{} is silent: the others no longer wait for it", part.name());
            }
        }
        let own = WorkerWatermark::of(&self.parts, rules);
        let all = self.watermarks.as_mut().map_or(own, |watermarks| watermarks.exchange(own));
        match (own, all) {
            (WorkerWatermark::Done, _) => return false,
            (WorkerWatermark::Awake(reached), _)
            | (_, WorkerWatermark::Awake(reached) | WorkerWatermark::Asleep(reached)) => {
                // an idle worker may have followed others beyond the position from which it continues.
                capability.downgrade(&reached.max(*capability.time()));
            }
            (WorkerWatermark::Asleep(_), WorkerWatermark::Done) => {}
        }
        true
    }
}

/// The time of the next poll.
enum NextPoll {
    Now,
    Later,
}

impl NextPoll {
    fn or(self, progress: Progress) -> Self {
        match progress {
            Progress::More => Self::Now,
            Progress::Wait | Progress::End => self,
        }
    }
}

fn frontier(probe: &ProbeHandle<Position>) -> Option<Position> {
    probe.with_frontier(|frontier| frontier.first().copied())
}
