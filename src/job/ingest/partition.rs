//! The state of one partition that a worker reads.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use driftmill_operators::{Change, Id, Position};

use super::changes::changes;
use crate::job::Context;
use crate::source::{OrderRules, Partition, Progress, WatermarkTracker};
use crate::store::{LogBatch, Replay, StoreError};

/// How long messages may gather before they are read. A batch of few takes a thousand bytes on disk
/// and a hundred in memory, as one of many does.
const GATHER: Duration = Duration::from_millis(10);

/// A partition's pause after a poll that brought all there was, so that few messages do not become
/// many small batches.
#[derive(Default)]
pub(in crate::job) struct Rest {
    /// Messages that came with the poll.
    pub(in crate::job) came: usize,
    until: Option<Instant>,
}

impl Rest {
    pub(in crate::job) fn after(came: usize, progress: Progress) -> Self {
        let all = progress == Progress::Wait && came > 0;
        Self { came, until: all.then(|| Instant::now() + GATHER) }
    }

    pub(in crate::job) fn goes_on(&self) -> bool {
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
    replay: Option<(Replay, Position)>,
    /// New messages are not placed before this position.
    floor: Position,
    pub(in crate::job) done: bool,
    /// Whether it had no more when it was last polled.
    pub(in crate::job) idle: bool,
    /// Since when it had nothing at all.
    silent: Option<Instant>,
    /// The others do not wait for it.
    pub(in crate::job) asleep: bool,
    pub(in crate::job) rest: Rest,
    /// Positions up to which, and numbers of records that were read, until they are observed.
    pub(in crate::job) open: VecDeque<(Position, u64)>,
}

impl PartitionState {
    pub(in crate::job) fn new(partition: Partition, context: &Context) -> Self {
        let stream = partition.id(0).stream();
        // what a key has now follows from all that was said of it.
        let keyed = context.pipeline.source.keyed().is_some();
        let from = if keyed { Position::MIN } else { context.resume_at(stream) };
        let replay = context.log.replay(stream, from.time());
        Self {
            next: partition.start,
            partition,
            watermark: WatermarkTracker::new(),
            replay: Some((replay, from)),
            floor: context.floor(stream),
            done: false,
            idle: false,
            silent: None,
            asleep: false,
            rest: Rest::default(),
            open: VecDeque::new(),
        }
    }

    /// The next batch of the log of an earlier process, until there is none.
    pub(in crate::job) fn replayed(
        &mut self,
        keyed: bool,
        rules: &OrderRules,
    ) -> Option<Result<Vec<Change>, StoreError>> {
        let (replay, from) = self.replay.as_mut()?;
        let from = *from;
        let Some(rows) = replay.next() else {
            self.replay = None;
            self.raise(rules, self.floor);
            return None;
        };
        Some(rows.map(|rows| {
            let mut changes = changes(&rows, keyed);
            changes.retain(|change| change.at >= from);
            self.watermark = WatermarkTracker::resumed(rows.highest);
            self.sent(&rows, &changes);
            changes
        }))
    }

    /// Notes what is sent: the last record apart, for it may have to wait for others alone.
    pub(in crate::job) fn sent(&mut self, rows: &LogBatch, changes: &[Change]) {
        self.next = rows.ids.last().map_or(self.next, |id| Id(*id).offset() + 1);
        let Some(last) = changes.iter().map(|change| change.at).max() else { return };
        let before = changes.iter().map(|change| change.at).filter(|at| *at < last).max();
        self.open.extend(before.map(|before| (before, changes.len() as u64 - 1)));
        self.open.push_back((last, 1));
    }

    /// Its topic and number, as people read it.
    pub(in crate::job) fn name(&self) -> String {
        format!("{}/{}", self.partition.topic, self.partition.partition)
    }

    /// Notes how a poll ended that brought `came` messages.
    pub(in crate::job) fn polled(&mut self, came: usize, progress: Progress) {
        self.rest = Rest::after(came, progress);
        self.done = progress == Progress::End;
        self.idle = progress == Progress::Wait;
        if self.idle && came == 0 {
            self.silent.get_or_insert_with(Instant::now);
        } else {
            (self.silent, self.asleep) = (None, false);
        }
    }

    /// Falls asleep if it was silent for long enough; whether it just did.
    pub(in crate::job) fn falls_asleep(&mut self, rules: &OrderRules) -> bool {
        let after =
            rules.idle_after.map(|after| Duration::from_millis(after.millis().unsigned_abs()));
        let silent = self.silent.map(|since| since.elapsed());
        let falls = !self.asleep && silent.zip(after).is_some_and(|(silent, after)| silent > after);
        self.asleep |= falls;
        falls
    }

    /// Nothing that comes from now on is before `floor`.
    pub(in crate::job) fn raise(&mut self, rules: &OrderRules, floor: Position) {
        let time = floor.time();
        for time in [time, time.saturating_add(1)] {
            if self.reached(rules) < floor {
                self.watermark.raise(rules, time);
            }
        }
    }

    /// Records that were read and that not every policy has seen.
    pub(in crate::job) fn undecided(&self) -> u64 {
        self.open.iter().map(|(_, count)| count).sum()
    }

    /// No later record of the partition is before this position.
    pub(in crate::job) fn reached(&self, rules: &OrderRules) -> Position {
        let next = self.partition.id(self.next.min(Id::MAX_OFFSET));
        Position::new(self.watermark.watermark(rules), next)
    }
}
