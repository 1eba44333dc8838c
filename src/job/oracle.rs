use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, unbounded};
use driftmill_datasets::Values;
use driftmill_operators::flow::{ModelQuery, Service};
use driftmill_operators::trigger::{Question, Want};
use driftmill_operators::{Id, Matrix};
use timely::scheduling::SyncActivator;

use super::{Branch, Context};
use crate::train::{InferJob, Output, Priority};

/// Answers what trigger policies ask about samples.
pub(super) struct Oracle {
    context: Arc<Context>,
    branch: Arc<Branch>,
    wake: SyncActivator,
    answers: (Sender<Matrix>, Receiver<Matrix>),
}

impl Oracle {
    pub(super) fn starter(
        context: &Arc<Context>,
        branch: &Arc<Branch>,
    ) -> impl FnOnce(SyncActivator) -> Self + use<> {
        let (context, branch) = (Arc::clone(context), Arc::clone(branch));
        move |wake| Self { context, branch, wake, answers: unbounded() }
    }

    fn features(&self, ids: &[Id]) -> Option<Matrix> {
        let schema = self.context.log.schema();
        let mut values = Values::new(schema.value);
        if let Err(error) = self.context.log.gather(ids, &mut values) {
            self.context.fail(error);
            return None;
        }
        let values = match values {
            Values::F32(values) => values,
            Values::U8(values) => values.into_iter().map(f32::from).collect(),
        };
        Some(Matrix::new(schema.width(), values))
    }

    fn infer(&self, version: u64, ids: Vec<Id>, output: Output) {
        let weights = match self.branch.weights(version) {
            Ok(weights) => weights,
            Err(error) => return self.context.fail(error),
        };
        let (answers, wake) = (self.answers.0.clone(), self.wake.clone());
        let context = Arc::clone(&self.context);
        let job = InferJob { weights, ids, output };
        self.branch.runtime.infer(Priority::Decision, job, move |answer| match answer {
            // the operator may be gone: the job was stopped.
            Ok(matrix) => drop((answers.send(matrix), wake.activate())),
            Err(error) if !context.stopping() => context.fail(error),
            Err(_) => {}
        });
    }
}

impl Service<ModelQuery, Matrix> for Oracle {
    fn ask(&mut self, asker: ModelQuery) {
        let Question { want, ids } = asker.question;
        if let Err(error) = self.context.fetch(&ids) {
            return self.context.fail(error);
        }
        let output = match want {
            Want::Features => {
                self.features(&ids).map(|matrix| self.answers.0.send(matrix));
                return;
            }
            Want::Predictions => Output::Probabilities,
            Want::Embeddings => Output::Embeddings,
        };
        let version = asker.version.expect("a policy asks for a model's outputs once there is one");
        self.infer(version, ids, output);
    }

    fn poll(&mut self) -> Option<Matrix> {
        self.answers.1.try_recv().ok()
    }
}
