//! ReplySender to questions of trigger policies about samples.

use std::sync::Arc;

use crossbeam_channel::Receiver;
use driftmill_datasets::Values;
use driftmill_operators::flow::{ModelQuery, Service};
use driftmill_operators::trigger::{Question, Want};
use driftmill_operators::{Id, Matrix};
use timely::scheduling::SyncActivator;

use crate::job::coordinator::command::Command;
use crate::job::services::reply_sender::ReplySender;
use crate::job::{Branch, Context};
use crate::train::{InferJob, Output, Priority};

/// ReplySender questions of trigger policies about samples.
pub(in crate::job) struct ModelQueries {
    answering: Answering,
    answers: Receiver<Matrix>,
}

/// ReplySender one question after another, on threads that no worker waits for.
#[derive(Clone)]
struct Answering {
    context: Arc<Context>,
    branch: Arc<Branch>,
    answers: ReplySender<Matrix>,
}

impl ModelQueries {
    /// ReplySender with the models of `branch`; `wake` activates the operator that asks.
    pub(in crate::job) fn new(
        context: Arc<Context>,
        branch: Arc<Branch>,
        wake: SyncActivator,
    ) -> Self {
        let (give, answers) = ReplySender::to(wake);
        Self { answering: Answering { context, branch, answers: give }, answers }
    }
}

impl Service<ModelQuery, Matrix> for ModelQueries {
    fn ask(&mut self, asker: ModelQuery) {
        let answering = self.answering.clone();
        self.answering.context.reads.run(move || answering.find(asker));
    }

    fn poll(&mut self) -> Option<Matrix> {
        self.answers.try_recv().ok()
    }
}

impl Answering {
    /// ReplySender a question. Rows that other processes read are flushed there first.
    fn find(self, asker: ModelQuery) {
        let has = || self.context.log.has(&asker.question.ids);
        match self.context.cluster.is_single().then_some(true).map_or_else(has, Ok) {
            Ok(true) => self.answer(asker),
            Ok(false) => {
                let (commands, reads) = (self.context.commands.clone(), self.context.reads.clone());
                let flushed = move || reads.run(move || self.answer(asker));
                commands.send(Command::Flush(Box::new(flushed)));
            }
            Err(error) => self.context.fail(error),
        }
    }

    fn answer(self, asker: ModelQuery) {
        let Question { want, ids } = asker.question;
        let output = match want {
            Want::Features => return self.features(&ids),
            Want::Predictions => Output::Probabilities,
            Want::Embeddings => Output::Embeddings,
        };
        let version = asker.version.expect("a policy asks for a model's outputs once there is one");
        self.infer(version, ids, output);
    }

    fn features(&self, ids: &[Id]) {
        let schema = self.context.log.schema();
        let mut values = Values::new(schema.value);
        if let Err(error) = self.context.log.gather(ids, &mut values) {
            return self.context.fail(error);
        }
        let values = match values {
            Values::F32(values) => values,
            Values::U8(values) => values.into_iter().map(f32::from).collect(),
        };
        self.answers.give(Matrix::new(schema.width(), values));
    }

    fn infer(self, version: u64, ids: Vec<Id>, output: Output) {
        let weights = match self.branch.weights(version) {
            Ok(weights) => weights,
            Err(error) => return self.context.fail(error),
        };
        let job = InferJob { weights, ids, output };
        let branch = Arc::clone(&self.branch);
        branch.runtime.infer(Priority::Decision, job, move |answer| match answer {
            Ok(matrix) => self.answers.give(matrix),
            Err(error) if !self.context.stopping() => self.context.fail(error),
            Err(_) => {}
        });
    }
}
