use std::collections::BTreeMap;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, unbounded};
use driftmill_operators::flow::{Scored, Service, ToScore};
use timely::scheduling::SyncActivator;

use crate::evaluate::fixed_point;
use crate::job::{Branch, Context};
use crate::train::{Score, ScoreJob};

/// Scores samples with the version that was active when they came.
pub(in crate::job) struct Scorer {
    context: Arc<Context>,
    branch: Arc<Branch>,
    wake: SyncActivator,
    answers: (Sender<Vec<Scored>>, Receiver<Vec<Scored>>),
}

impl Scorer {
    pub(in crate::job) fn starter(
        context: &Arc<Context>,
        branch: &Arc<Branch>,
    ) -> impl FnOnce(SyncActivator) -> Self + use<> {
        let (context, branch) = (Arc::clone(context), Arc::clone(branch));
        move |wake| Self { context, branch, wake, answers: unbounded() }
    }
}

impl Service<ToScore, Vec<Scored>> for Scorer {
    fn ask(&mut self, request: ToScore) {
        let interval = self.branch.interval;
        let Some(version) = request.version else {
            let unscored = sum_up(&request, None, interval);
            drop(self.answers.0.send(unscored));
            return;
        };
        let weights = match self.branch.weights(version) {
            Ok(weights) => weights,
            Err(error) => return self.context.fail(error),
        };
        let (ids, labels) = request.samples.iter().map(|sample| (sample.id, sample.label)).unzip();
        let (answers, wake) = (self.answers.0.clone(), self.wake.clone());
        let context = Arc::clone(&self.context);
        let job = ScoreJob { weights, ids, labels };
        self.branch.runtime.score(job, move |scores| match scores {
            // the operator may be gone: the job was stopped.
            Ok(scores) => {
                let scored = sum_up(&request, Some(&scores), interval);
                drop((answers.send(scored), wake.activate()));
            }
            Err(error) if !context.stopping() => context.fail(error),
            Err(_) => {}
        });
    }

    fn poll(&mut self) -> Option<Vec<Scored>> {
        self.answers.1.try_recv().ok()
    }
}

/// Sums scores up by intervals of event time; without scores, counts samples as unscored.
fn sum_up(request: &ToScore, scores: Option<&[Score]>, interval: Option<i64>) -> Vec<Scored> {
    let mut sums: BTreeMap<i64, Scored> = BTreeMap::new();
    for (row, sample) in request.samples.iter().enumerate() {
        let number = interval.map_or(0, |length| sample.time.div_euclid(length));
        let sum = sums.entry(number).or_insert(Scored { interval: number, ..Scored::default() });
        match scores.map(|scores| &scores[row]) {
            None => sum.unscored += sample.count,
            Some(score) => {
                sum.samples += sample.count;
                sum.correct += sample.count * i64::from(score.predicted == sample.label);
                sum.loss += i128::from(sample.count) * fixed_point(score.loss);
            }
        }
    }
    sums.into_values().collect()
}
