use timely::scheduling::SyncActivator;

use crate::Position;
use crate::trigger::Question;

/// Something slow or outside the dataflow: training, a question to the model, scoring.
///
/// An operator asks and goes on; the service wakes it when there is an answer to poll. Answers come
/// in the order of the requests.
pub trait Service<Request, Answer> {
    /// Takes a request.
    fn ask(&mut self, request: Request);

    /// The next answer, if there is one.
    fn poll(&mut self) -> Option<Answer>;
}

/// A question together with who asks it.
#[derive(Clone, Debug, PartialEq)]
pub struct Asker {
    /// The change that caused the question.
    pub position: Position,
    /// The version that answers; none before the first.
    pub version: Option<u64>,
    /// The question.
    pub question: Question,
}

/// Starts a service, given what wakes the operator that asks it.
pub(super) type Start<S> = Box<dyn FnOnce(SyncActivator) -> S>;
