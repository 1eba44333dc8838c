//! Services that operators query without blocking.

use std::collections::VecDeque;

use timely::scheduling::SyncActivator;

/// A slow task or one outside the dataflow: training, a question to the model, scoring.
///
/// An operator sends a request and continues. The service wakes the operator when it can poll an answer.
/// Answers arrive in the order of the requests.
pub trait Service<Request, Answer> {
    /// Accepts a request.
    fn ask(&mut self, request: Request);

    /// The next answer, if there is one.
    fn poll(&mut self) -> Option<Answer>;
}

/// A service that answers each request at once, by a closure.
pub struct Immediate<F, A> {
    answer: F,
    answers: VecDeque<A>,
}

/// A service that answers each request at once with what `answer` returns.
///
/// ```
/// use driftmill_operators::flow::{Service, immediate};
/// let mut service = immediate(|request: u32| request + 1);
/// service.ask(1);
/// assert_eq!((service.poll(), service.poll()), (Some(2), None));
/// ```
pub fn immediate<Q, A, F: FnMut(Q) -> A>(answer: F) -> Immediate<F, A> {
    Immediate { answer, answers: VecDeque::new() }
}

impl<Q, A, F: FnMut(Q) -> A> Service<Q, A> for Immediate<F, A> {
    fn ask(&mut self, request: Q) {
        let answer = (self.answer)(request);
        self.answers.push_back(answer);
    }

    fn poll(&mut self) -> Option<A> {
        self.answers.pop_front()
    }
}

/// Starts a service, given the activator of the operator that asks it.
pub(super) type Start<S> = Box<dyn FnOnce(SyncActivator) -> S>;
