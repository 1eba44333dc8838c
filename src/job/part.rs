use std::collections::VecDeque;
use std::time::{Duration, Instant};

use driftmill_operators::{Change, Id, Position, position, position_time};

use super::Context;
use super::placing::changes;
use crate::source::{Lateness, OrderRules, Partition, Progress};
use crate::store::{LogBatch, Replay, StoreError};

/// How long messages may gather before they are read. A batch of few takes a thousand bytes on disk
/// and a hundred in memory, as one of many does.
const GATHER: Duration = Duration::from_millis(10);

/// A partition's pause after a poll that brought all there was, so that few messages do not become
/// many small batches.
#[derive(Default)]
pub(super) struct Rest {
    /// Messages that came with the poll.
    pub(super) came: usize,
    until: Option<Instant>,
}

impl Rest {
    pub(super) fn after(came: usize, progress: Progress) -> Self {
        let all = progress == Progress::Wait && came > 0;
        Self { came, until: all.then(|| Instant::now() + GATHER) }
    }

    pub(super) fn goes_on(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() < until)
    }
}

/// A partition that is read.
pub(super) struct Part {
    pub(super) partition: Partition,
    pub(super) lateness: Lateness,
    /// The offset after the last one sent.
    pub(super) next: u64,
    /// What was logged before and is to be sent again, from a position on.
    replay: Option<(Replay, Position)>,
    pub(super) done: bool,
    /// Whether it had no more when it was last polled.
    pub(super) idle: bool,
    pub(super) rest: Rest,
    /// Positions up to which, and numbers of records that were read, until they are observed.
    pub(super) open: VecDeque<(Position, u64)>,
}

impl Part {
    pub(super) fn new(partition: Partition, context: &Context) -> Self {
        let stream = partition.id(0).stream();
        // what a key has now follows from all that was said of it.
        let keyed = context.pipeline.source.keyed().is_some();
        let from = if keyed { Position::MIN } else { context.resume_at(stream) };
        let replay = context.log.replay(stream, position_time(from));
        Self {
            next: partition.start,
            partition,
            lateness: Lateness::new(),
            replay: Some((replay, from)),
            done: false,
            idle: false,
            rest: Rest::default(),
            open: VecDeque::new(),
        }
    }

    /// The next batch of what was logged before, until there is none.
    pub(super) fn replayed(&mut self, keyed: bool) -> Option<Result<Vec<Change>, StoreError>> {
        let (replay, from) = self.replay.as_mut()?;
        let from = *from;
        let Some(rows) = replay.next() else {
            self.replay = None;
            return None;
        };
        Some(rows.map(|rows| {
            let mut changes = changes(&rows, keyed);
            changes.retain(|change| change.at >= from);
            self.lateness = Lateness::resumed(rows.highest);
            self.sent(&rows, &changes);
            changes
        }))
    }

    /// Notes what is sent: the last record apart, for it may have to wait for others alone.
    pub(super) fn sent(&mut self, rows: &LogBatch, changes: &[Change]) {
        self.next = rows.ids.last().map_or(self.next, |id| Id(*id).offset() + 1);
        let Some(last) = changes.iter().map(|change| change.at).max() else { return };
        let before = changes.iter().map(|change| change.at).filter(|at| *at < last).max();
        self.open.extend(before.map(|before| (before, changes.len() as u64 - 1)));
        self.open.push_back((last, 1));
    }

    /// Records that were read and that not every policy has seen.
    pub(super) fn undecided(&self) -> u64 {
        self.open.iter().map(|(_, count)| count).sum()
    }

    /// No later record of the partition is before this position.
    pub(super) fn reached(&self, rules: &OrderRules) -> Position {
        let next = self.partition.id(self.next.min(Id::MAX_OFFSET));
        position(self.lateness.watermark(rules), next)
    }
}
