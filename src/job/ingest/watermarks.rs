//! How far every worker's partitions are, told as data beside the dataflow's own progress: a worker
//! whose partitions are silent has nothing of its own to say how far the stream is.

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

/// How far partitions are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::job) enum WorkerWatermark {
    /// Nothing will come before this from those that are not asleep.
    Awake(Position),
    /// All are asleep, the one that is furthest here.
    Asleep(Position),
    /// All have come to their ends.
    Done,
}

impl WorkerWatermark {
    /// How far some partitions are.
    pub(in crate::job) fn of(parts: &[PartitionState], rules: &OrderRules) -> Self {
        parts.iter().map(|part| Self::of_one(part, rules)).fold(Self::Done, Self::and)
    }

    fn of_one(part: &PartitionState, rules: &OrderRules) -> Self {
        match part.reached(rules) {
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
    told: Option<WorkerWatermark>,
    heard: Rc<RefCell<BTreeMap<usize, WorkerWatermark>>>,
    input: InputHandleVec<u64, (usize, WorkerWatermark)>,
}

impl WatermarkExchange {
    /// Builds a dataflow for it, which ends when all workers have dropped their handles.
    pub(in crate::job) fn open(worker: &mut Worker) -> Self {
        let mut input = InputHandleVec::new();
        let heard = Rc::new(RefCell::new(BTreeMap::new()));
        let hear = Rc::clone(&heard);
        worker.dataflow_named("marks", |scope| {
            scope.input_from(&mut input).broadcast().inspect(move |(worker, reached)| {
                hear.borrow_mut().insert(*worker, *reached);
            });
        });
        Self { worker: worker.index(), told: None, heard, input }
    }

    /// Sends the watermark of this worker's partitions; returns that of all, as far as it is known.
    pub(in crate::job) fn tell(&mut self, own: WorkerWatermark) -> WorkerWatermark {
        if self.told != Some(own) {
            self.told = Some(own);
            self.input.send((self.worker, own));
            self.input.flush();
        }
        let heard = self.heard.borrow();
        let others = heard.iter().filter(|(worker, _)| **worker != self.worker);
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
    fn idle_workers_hold_nobody_up() {
        assert_eq!(awake(5).and(awake(3)), awake(3));
        assert_eq!(asleep(1).and(awake(3)), awake(3));
        assert_eq!(asleep(1).and(asleep(3)), asleep(3));
        assert_eq!(Done.and(asleep(3)), asleep(3));
        assert_eq!(awake(3).and(Done), awake(3));
        assert_eq!(Done.and(Done), Done);
    }
}
