//! A clock for durations that are recorded. Policies have none.

use timely::worker::Worker;

/// Seconds since the worker started.
pub(super) fn clock(worker: &Worker) -> Box<dyn Fn() -> f64> {
    let start = worker.timer();
    Box::new(move || start.map_or(0.0, |start| start.elapsed().as_secs_f64()))
}
