//! Watermarks of all workers' partitions, exchanged as data next to the progress of the dataflow itself. A
//! worker with silent partitions cannot determine the position of the stream alone.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use driftmill_operators::Position;
use serde::{Deserialize, Serialize};
use timely::dataflow::InputHandleVec;
use timely::dataflow::operators::vec::Broadcast;
use timely::dataflow::operators::{Input, Inspect};
use timely::worker::Worker;

use super::partition::PartitionState;
use crate::source::OrderRules;

/// The watermark of partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::job) enum WorkerWatermark {
    /// No later record of the awake partitions is before this position.
    Awake(Position),
    /// All partitions are asleep, and this is the watermark of the furthest one.
    Asleep(Position),
    /// All partitions have ended.
    Done,
}

impl WorkerWatermark {
    /// The watermark of some partitions.
    pub(in crate::job) fn of(parts: &[PartitionState], rules: &OrderRules) -> Self {
        parts.iter().map(|part| Self::of_one(part, rules)).fold(Self::Done, Self::and)
    }

    fn of_one(part: &PartitionState, rules: &OrderRules) -> Self {
        match part.low_watermark(rules) {
            _ if part.done => Self::Done,
            reached if part.asleep => Self::Asleep(reached),
            reached => Self::Awake(reached),
        }
    }

    /// The watermark of both: that of the active one, or, if both are idle, the later one.
    pub(in crate::job) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Awake(one), Self::Awake(other)) => Self::Awake(one.min(other)),
            (Self::Asleep(one), Self::Asleep(other)) => Self::Asleep(one.max(other)),
            (Self::Awake(_), _) | (Self::Asleep(_), Self::Done) => self,
            _ => other,
        }
    }
}

/// Exchanges watermarks between workers.
pub(in crate::job) struct WatermarkExchange {
    worker: usize,
    sent: Option<WorkerWatermark>,
    known: Rc<RefCell<BTreeMap<usize, WorkerWatermark>>>,
    input: InputHandleVec<u64, (usize, WorkerWatermark)>,
}

impl WatermarkExchange {
    /// Builds a dataflow for the exchange. It ends when all workers have dropped their handles.
    pub(in crate::job) fn open(worker: &mut Worker) -> Self {
        let mut input = InputHandleVec::new();
        let known = Rc::new(RefCell::new(BTreeMap::new()));
        let updated = Rc::clone(&known);
        worker.dataflow_named("watermarks", |scope| {
            scope.input_from(&mut input).broadcast().inspect(move |(worker, reached)| {
                updated.borrow_mut().insert(*worker, *reached);
            });
        });
        Self { worker: worker.index(), sent: None, known, input }
    }

    /// Sends the watermark of this worker's partitions. Returns the known watermark of all workers.
    pub(in crate::job) fn exchange(&mut self, own: WorkerWatermark) -> WorkerWatermark {
        if self.sent != Some(own) {
            self.sent = Some(own);
            self.input.send((self.worker, own));
            self.input.flush();
        }
        let known = self.known.borrow();
        let others = known.iter().filter(|(worker, _)| **worker != self.worker);
        others.map(|(_, reached)| *reached).fold(own, WorkerWatermark::and)
    }
}

#[cfg(test)]
mod tests {
    use driftmill_operators::{Id, Position};

    use super::WorkerWatermark;
    use super::WorkerWatermark::Done;

    fn awake(time: i64) -> WorkerWatermark {
        WorkerWatermark::Awake(Position::new(time, Id(0)))
    }

    fn asleep(time: i64) -> WorkerWatermark {
        WorkerWatermark::Asleep(Position::new(time, Id(0)))
    }

    #[test]
    fn idle_workers_do_not_hold_up_others() {
        assert_eq!(awake(5).and(awake(3)), awake(3));
        assert_eq!(asleep(1).and(awake(3)), awake(3));
        assert_eq!(asleep(1).and(asleep(3)), asleep(3));
        assert_eq!(Done.and(asleep(3)), asleep(3));
        assert_eq!(awake(3).and(Done), awake(3));
        assert_eq!(Done.and(Done), Done);
    }
}
