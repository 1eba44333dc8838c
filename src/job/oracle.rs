use std::collections::HashMap;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, unbounded};
use driftmill_datasets::Values;
use driftmill_operators::flow::{Asker, Service};
use driftmill_operators::trigger::Want;
use driftmill_operators::{Id, Matrix};
use timely::scheduling::SyncActivator;

use super::{Branch, Context};
use crate::train::{InferJob, Output, Priority};

/// Answers what trigger policies ask about samples.
///
/// What a version said of a sample is remembered while the next question asks for the sample
/// again: an unchanged reference window is embedded once for each version.
pub(super) struct Oracle {
    context: Arc<Context>,
    branch: Arc<Branch>,
    wake: SyncActivator,
    answers: (Sender<Matrix>, Receiver<Matrix>),
    asked: Option<Asked>,
    known: Known,
}

/// The open question.
struct Asked {
    about: About,
    ids: Vec<Id>,
    /// The ids that had to be asked for.
    fresh: Vec<Id>,
}

/// What an answer depends on besides the sample.
type About = (Want, Option<u64>);

/// Answers to the last question.
#[derive(Default)]
struct Known {
    about: Option<About>,
    rows: HashMap<Id, usize>,
    matrix: Matrix,
}

impl Oracle {
    pub(super) fn starter(
        context: &Arc<Context>,
        branch: &Arc<Branch>,
    ) -> impl FnOnce(SyncActivator) -> Self + use<> {
        let (context, branch) = (Arc::clone(context), Arc::clone(branch));
        move |wake| Self {
            context,
            branch,
            wake,
            answers: unbounded(),
            asked: None,
            known: Known::default(),
        }
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

impl Service<Asker, Matrix> for Oracle {
    fn ask(&mut self, asker: Asker) {
        let (want, ids) = (asker.question.want, asker.question.ids);
        let version = if want == Want::Features { None } else { asker.version };
        let about = (want, version);
        let known = self.known.about == Some(about);
        let fresh: Vec<Id> =
            ids.iter().filter(|id| !known || !self.known.rows.contains_key(id)).copied().collect();
        if let Err(error) = self.context.fetch(&fresh) {
            return self.context.fail(error);
        }
        if fresh.is_empty() || want == Want::Features {
            let answer =
                if fresh.is_empty() { Some(Matrix::default()) } else { self.features(&fresh) };
            answer.map(|matrix| self.answers.0.send(matrix));
        } else {
            let output = match want {
                Want::Predictions => Output::Probabilities,
                _ => Output::Embeddings,
            };
            let version = version.expect("a policy asks for a model's outputs once there is one");
            self.infer(version, fresh.clone(), output);
        }
        self.asked = Some(Asked { about, ids, fresh });
    }

    fn poll(&mut self) -> Option<Matrix> {
        let answer = self.answers.1.try_recv().ok()?;
        let asked = self.asked.take()?;
        if self.known.about != Some(asked.about) {
            self.known = Known { about: Some(asked.about), ..Known::default() };
        }
        let fresh: HashMap<Id, usize> =
            asked.fresh.iter().enumerate().map(|(row, id)| (*id, row)).collect();
        let mut values = Vec::new();
        for id in &asked.ids {
            match fresh.get(id) {
                Some(row) => values.extend_from_slice(answer.row(*row)),
                None => values.extend_from_slice(self.known.matrix.row(self.known.rows[id])),
            }
        }
        let cols = answer.cols().max(self.known.matrix.cols());
        self.known.rows = asked.ids.iter().enumerate().map(|(row, id)| (*id, row)).collect();
        self.known.matrix = Matrix::new(cols, values);
        Some(self.known.matrix.clone())
    }
}
