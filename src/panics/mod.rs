//! Panics: those that a caller handles, and all others, which end the process.
//!
//! A panic in one worker would leave the others waiting for ever, so the program ends with exit code 70
//! ([`end_process_on_panic`]). A training that panics does not end the process: its caller receives the
//! message ([`catch`]), also from threads that it started ([`forward`], [`forward_from_thread`]).

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    /// Whether panics of this thread are handled.
    static ANSWERED: Cell<bool> = const { Cell::new(false) };
}

/// Marks the panics of this thread as handled until it is dropped.
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
/// After a panic, variables that `work` has borrowed may be in an intermediate state.
///
/// # Errors
/// The message of a panic.
pub fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let _answered = Answered::begin();
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| message(payload.as_ref()))
}

/// Runs `work` on a thread whose panic is rethrown by the thread that joins it.
pub fn forward<T>(work: impl FnOnce() -> T) -> T {
    let _answered = Answered::begin();
    work()
}

/// Marks all panics of this thread as handled. It is for threads of a pool, which rethrows them on the
/// thread that waits for it.
pub fn forward_from_thread() {
    ANSWERED.set(true);
}

/// Ends the process with exit code 70 on an unhandled panic.
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
    fn a_panic_is_caught_with_its_message_only_inside_of_a_catch() {
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
    fn a_panic_is_rethrown_by_the_thread_that_joins() {
        let thrown = catch(|| {
            let thread = std::thread::spawn(|| forward(|| panic!("below")));
            std::panic::resume_unwind(thread.join().unwrap_err())
        });
        assert_eq!(thrown, Err::<(), _>("below".to_owned()));
    }
}
