//! Panics: those that a caller answers, and all others, which end the process.
//!
//! A panic in one worker would leave the others waiting for ever, so the program ends with exit code
//! 70 ([`end_process_on_panic`]). A training that panics is no reason to end: its caller receives
//! the message ([`catch`]), also from threads that it started ([`forward`], [`forward_from_thread`]).

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    /// Whether someone answers the panics of this thread.
    static ANSWERED: Cell<bool> = const { Cell::new(false) };
}

/// Marks the panics of this thread as answered until it is dropped.
struct Answered {
    before: bool,
}

impl Answered {
    fn begin() -> Self {
        Self { before: ANSWERED.replace(true) }
    }
}

impl Drop for Answered {
    fn drop(&mut self) {
        ANSWERED.set(self.before);
    }
}

/// Runs `work` and returns its result.
///
/// After a panic, variables that `work` has borrowed may hold a half-made change.
///
/// # Errors
/// The message of a panic.
pub fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let _answered = Answered::begin();
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| message(payload.as_ref()))
}

/// Runs `work` on a thread whose panic is thrown on by the thread that joins it.
pub fn forward<T>(work: impl FnOnce() -> T) -> T {
    let _answered = Answered::begin();
    work()
}

/// Marks all panics of this thread as answered: those of a pool of threads, which throws them on
/// to the thread that waits for the pool.
pub fn forward_from_thread() {
    ANSWERED.set(true);
}

/// Ends the process with exit code 70 when a thread panics and nobody answers it.
pub fn end_process_on_panic() {
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !ANSWERED.get() {
            print(info);
            std::process::exit(70);
        }
    }));
}

/// The message of a panic.
fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_answered_with_its_message_and_only_inside() {
        assert_eq!(catch(|| 3), Ok(3));
        let inside = catch(|| {
            assert!(ANSWERED.get());
            let nested = catch(|| panic!("{} times", 2));
            assert!(ANSWERED.get(), "an inner call does not end the outer one");
            nested
        });
        assert_eq!(inside, Ok(Err::<(), _>("2 times".to_owned())));
        assert!(!ANSWERED.get());
    }

    #[test]
    fn a_panic_is_thrown_on_by_the_thread_that_joins() {
        let thrown = catch(|| {
            let thread = std::thread::spawn(|| forward(|| panic!("below")));
            std::panic::resume_unwind(thread.join().unwrap_err())
        });
        assert_eq!(thrown, Err::<(), _>("below".to_owned()));
    }
}
