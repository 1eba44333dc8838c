//! Sends decisions with their training sets to the coordinator, and receives outcomes.

use std::sync::Arc;

use crossbeam_channel::Receiver;
use driftmill_operators::flow::{Service, TrainingRequest};
use driftmill_operators::trigger::Outcome;
use timely::scheduling::SyncActivator;

use crate::job::Context;
use crate::job::coordinator::command::{Command, Reply};
use crate::job::services::reply_sender::ReplySender;

/// Sends decisions to the coordinator, which records and trains them.
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
            let (reply, outcomes) = ReplySender::to(wake);
            Self { context, branch, reply, outcomes }
        }
    }
}

impl Service<TrainingRequest, Outcome> for Trainer {
    fn ask(&mut self, request: TrainingRequest) {
        let (branch, request, reply) = (self.branch, Box::new(request), self.reply.clone());
        self.context.commands.send(Command::Decision { branch, request, reply });
    }

    fn poll(&mut self) -> Option<Outcome> {
        self.outcomes.try_recv().ok()
    }
}
