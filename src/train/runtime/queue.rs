//! The queue of jobs for the thread that runs models.

use std::collections::VecDeque;

use parking_lot::{Condvar, Mutex};

/// The urgency of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::train) enum Rank {
    /// Before everything else.
    Decision,
    /// Alternates with the background.
    Training,
    /// Alternates with trainings.
    Background,
}

/// Waiting jobs, by rank and then in the order of arrival.
pub(in crate::train) struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    decisions: VecDeque<T>,
    trainings: VecDeque<T>,
    background: VecDeque<T>,
    /// Whether the background is served before the next training.
    background_next: bool,
    /// Whether no more jobs are accepted.
    closed: bool,
    /// Whether waiting jobs are rejected.
    stopped: bool,
}

impl<T> Queue<T> {
    /// Creates an empty queue.
    pub(in crate::train) fn new() -> Self {
        let state = State {
            decisions: VecDeque::new(),
            trainings: VecDeque::new(),
            background: VecDeque::new(),
            background_next: false,
            closed: false,
            stopped: false,
        };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Adds a job. Returns it if the queue is closed.
    pub(in crate::train) fn push(&self, rank: Rank, job: T) -> Result<(), T> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(job);
        }
        state.of(rank).push_back(job);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for the next job; none when the queue is closed and empty.
    pub(in crate::train) fn pop(&self) -> Option<T> {
        let mut state = self.state.lock();
        loop {
            if let Some(job) = state.next() {
                return Some(job);
            }
            if state.closed {
                return None;
            }
            self.changed.wait(&mut state);
        }
    }

    /// The next job of `rank`, if there is one.
    pub(in crate::train) fn try_pop(&self, rank: Rank) -> Option<T> {
        self.state.lock().of(rank).pop_front()
    }

    /// Number of waiting jobs of `rank`.
    pub(in crate::train) fn len(&self, rank: Rank) -> usize {
        self.state.lock().of(rank).len()
    }

    /// Accepts no more jobs. Waiting jobs are still done.
    pub(in crate::train) fn close(&self) {
        self.state.lock().closed = true;
        self.changed.notify_all();
    }

    /// Accepts no more jobs. Waiting jobs are still returned, for rejection.
    pub(in crate::train) fn stop(&self) {
        self.state.lock().stopped = true;
        self.close();
    }

    /// Whether [`Queue::stop`] was called.
    pub(in crate::train) fn is_stopped(&self) -> bool {
        self.state.lock().stopped
    }
}

impl<T> State<T> {
    fn of(&mut self, rank: Rank) -> &mut VecDeque<T> {
        match rank {
            Rank::Decision => &mut self.decisions,
            Rank::Training => &mut self.trainings,
            Rank::Background => &mut self.background,
        }
    }

    fn next(&mut self) -> Option<T> {
        if let Some(job) = self.decisions.pop_front() {
            return Some(job);
        }
        let ranks = if self.background_next {
            [Rank::Background, Rank::Training]
        } else {
            [Rank::Training, Rank::Background]
        };
        for rank in ranks {
            if let Some(job) = self.of(rank).pop_front() {
                self.background_next = rank == Rank::Training;
                return Some(job);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_go_first_and_the_others_take_turns() {
        let queue = Queue::new();
        for job in ["train 1", "train 2"] {
            queue.push(Rank::Training, job).unwrap();
        }
        for job in ["score 1", "score 2"] {
            queue.push(Rank::Background, job).unwrap();
        }
        queue.push(Rank::Decision, "decide").unwrap();
        queue.close();
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(order, ["decide", "train 1", "score 1", "train 2", "score 2"]);
    }

    #[test]
    fn a_closed_queue_accepts_no_jobs() {
        let queue = Queue::new();
        queue.close();
        assert_eq!(queue.push(Rank::Training, 1), Err(1));
    }
}
