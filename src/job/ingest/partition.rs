//! The state of one partition that a worker reads.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use driftmill_operators::{Change, Id, Position};

use super::append::Appended;
use super::logged::{Logged, LoggedRows};
use crate::job::Context;
use crate::job::services::reads::Reads;
use crate::source::{OrderRules, Partition, Progress, WatermarkTracker};
use crate::store::{LogBatch, Replay, StoreError};

/// Time during which messages gather before they are read. A batch takes about a thousand bytes on disk and
/// a hundred in memory, whether it is small or large.
const GATHER: Duration = Duration::from_millis(10);

/// Late samples in a row after which the watermark is likely to be wrong.
const MANY_LATE: u64 = 1000;

/// The pause of a partition after a poll that returned all available messages, so that few messages do not
/// become many small batches.
#[derive(Default)]
pub(in crate::job) struct PollPause {
    /// Number of messages of the last poll.
    pub(in crate::job) messages: usize,
    until: Option<Instant>,
}

impl PollPause {
    pub(in crate::job) fn after(messages: usize, progress: Progress) -> Self {
        let all = progress == Progress::Wait && messages > 0;
        Self { messages, until: all.then(|| Instant::now() + GATHER) }
    }

    pub(in crate::job) fn is_active(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() < until)
    }
}

/// A partition that is read.
pub(in crate::job) struct PartitionState {
    pub(in crate::job) partition: Partition,
    pub(in crate::job) watermark: WatermarkTracker,
    /// The offset after the last one sent.
    pub(in crate::job) next: u64,
    /// The rest of the log of an earlier process, and the position from which it is sent.
    logged: Option<(LoggedRows, Position)>,
    /// New messages are not placed before this position.
    floor: Position,
    pub(in crate::job) done: bool,
    /// Whether the last poll found no more messages.
    pub(in crate::job) idle: bool,
    /// The time since which it has been silent.
    silent: Option<Instant>,
    /// Whether others do not wait for it, because it is asleep.
    pub(in crate::job) asleep: bool,
    pub(in crate::job) pause: PollPause,
    /// Late samples since the last one that was not.
    late: u64,
    /// Positions and numbers of records that were read, until they are observed.
    pub(in crate::job) open: VecDeque<(Position, u64)>,
}

impl PartitionState {
    pub(in crate::job) fn new(partition: Partition, context: &Context, reads: &Reads) -> Self {
        let stream = partition.id(0).stream();
        // the current value of a key depends on all its messages.
        let keyed = context.pipeline.source.keyed().is_some();
        let from = if keyed { Position::MIN } else { context.resume_at(stream) };
        let replay = Replay::of(&context.log, stream, from.time());
        Self {
            next: partition.start,
            partition,
            watermark: WatermarkTracker::new(),
            logged: Some((LoggedRows::new(replay, reads), from)),
            floor: context.floor(stream),
            done: false,
            idle: false,
            silent: None,
            asleep: false,
            pause: PollPause::default(),
            late: 0,
            open: VecDeque::new(),
        }
    }

    /// The next changes that an earlier process logged; none at their end. Empty while they are being read.
    ///
    /// # Errors
    /// When a batch of the log is damaged.
    pub(super) fn replayed(
        &mut self,
        keyed: bool,
        rules: &OrderRules,
    ) -> Result<Option<Appended>, StoreError> {
        let Some((logged, from)) = &mut self.logged else { return Ok(None) };
        let from = *from;
        match logged.next()? {
            Logged::Waiting => Ok(Some(Appended { changes: Vec::new(), progress: Progress::Wait })),
            Logged::End => {
                self.logged = None;
                self.raise(rules, self.floor);
                Ok(None)
            }
            Logged::Batch(rows) => {
                let mut changes = rows.changes(keyed);
                changes.retain(|change| change.at >= from);
                self.watermark = WatermarkTracker::resumed(rows.highest);
                self.sent(&rows, &changes);
                Ok(Some(Appended { changes, progress: Progress::More }))
            }
        }
    }

    /// Records the changes that are sent. The last record is separate, because it may have to wait for
    /// other partitions alone.
    pub(in crate::job) fn sent(&mut self, rows: &LogBatch, changes: &[Change]) {
        self.next = rows.ids.last().map_or(self.next, |id| Id(*id).offset() + 1);
        let Some(last) = changes.iter().map(|change| change.at).max() else { return };
        let before = changes.iter().map(|change| change.at).filter(|at| *at < last).max();
        self.open.extend(before.map(|before| (before, changes.len() as u64 - 1)));
        self.open.push_back((last, 1));
    }

    /// Counts the `late` ones of the `samples` of a poll. Returns true once there are so many in a row
    /// that the watermark is likely to be wrong.
    pub(in crate::job) fn arrived_late(&mut self, samples: u64, late: u64) -> bool {
        if samples > late {
            self.late = 0;
        }
        let before = self.late;
        self.late += late;
        before < MANY_LATE && self.late >= MANY_LATE
    }

    /// Its topic and number in readable form.
    pub(in crate::job) fn name(&self) -> String {
        format!("{}/{}", self.partition.topic, self.partition.partition)
    }

    /// Records the end of a poll that returned `messages` messages.
    pub(in crate::job) fn polled(&mut self, messages: usize, progress: Progress) {
        self.pause = PollPause::after(messages, progress);
        self.done = progress == Progress::End;
        self.idle = progress == Progress::Wait;
        if self.idle && messages == 0 {
            self.silent.get_or_insert_with(Instant::now);
        } else {
            (self.silent, self.asleep) = (None, false);
        }
    }

    /// Falls asleep if it was silent for long enough. Returns whether it fell asleep now.
    pub(in crate::job) fn falls_asleep(&mut self, rules: &OrderRules) -> bool {
        let after =
            rules.idle_after.map(|after| Duration::from_millis(after.millis().unsigned_abs()));
        let silent = self.silent.map(|since| since.elapsed());
        let falls = !self.asleep && silent.zip(after).is_some_and(|(silent, after)| silent > after);
        self.asleep |= falls;
        falls
    }

    /// Ensures that no later record is before `floor`.
    pub(in crate::job) fn raise(&mut self, rules: &OrderRules, floor: Position) {
        let time = floor.time();
        for time in [time, time.saturating_add(1)] {
            if self.low_watermark(rules) < floor {
                self.watermark.raise(rules, time);
            }
        }
    }

    /// Number of records that were read but not observed by every policy.
    pub(in crate::job) fn undecided(&self) -> u64 {
        self.open.iter().map(|(_, count)| count).sum()
    }

    /// The position before which there are no later records of the partition.
    pub(in crate::job) fn low_watermark(&self, rules: &OrderRules) -> Position {
        let next = self.partition.id(self.next.min(Id::MAX_OFFSET));
        Position::new(self.watermark.watermark(rules), next)
    }
}
