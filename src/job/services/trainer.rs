//! Sends decisions with their training sets to the coordinator, and receives outcomes.

use std::sync::Arc;

use crossbeam_channel::{Receiver, unbounded};
use driftmill_operators::flow::Service;
use driftmill_operators::selection::TrainingSet;
use driftmill_operators::trigger::Outcome;
use timely::scheduling::SyncActivator;

use crate::job::Context;
use crate::job::coordinator::command::{Command, Reply};

/// Has the coordinator record and train decisions.
pub(in crate::job) struct Trainer {
    context: Arc<Context>,
    branch: usize,
    reply: Reply,
    outcomes: Receiver<Outcome>,
}

impl Trainer {
    pub(in crate::job) fn starter(
        context: &Arc<Context>,
        branch: usize,
    ) -> impl FnOnce(SyncActivator) -> Self + use<> {
        let context = Arc::clone(context);
        move |wake| {
            let (send, outcomes) = unbounded();
            Self { context, branch, reply: Reply { outcomes: send, wake }, outcomes }
        }
    }
}

impl Service<TrainingSet, Outcome> for Trainer {
    fn ask(&mut self, set: TrainingSet) {
        let (branch, set, reply) = (self.branch, Box::new(set), self.reply.clone());
        self.context.commands.send(Command::Decision { branch, set, reply });
    }

    fn poll(&mut self) -> Option<Outcome> {
        self.outcomes.try_recv().ok()
    }
}
