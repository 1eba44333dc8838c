//! Scores samples with the version that was active at their positions.

use std::collections::BTreeMap;
use std::sync::Arc;

use crossbeam_channel::Receiver;
use driftmill_operators::flow::{Scored, Service, ToScore};
use timely::scheduling::SyncActivator;

use crate::evaluate::fixed_point;
use crate::job::services::reply_sender::ReplySender;
use crate::job::{Branch, Context};
use crate::train::{Score, ScoreJob};

/// Scores samples with the version that was active at their positions.
pub(in crate::job) struct Scorer {
    scoring: Scoring,
    scored: Receiver<Vec<Scored>>,
}

/// Scores one request after another, on threads that no worker waits for.
#[derive(Clone)]
struct Scoring {
    context: Arc<Context>,
    branch: Arc<Branch>,
    scored: ReplySender<Vec<Scored>>,
}

impl Scorer {
    pub(in crate::job) fn starter(
        context: &Arc<Context>,
        branch: &Arc<Branch>,
    ) -> impl FnOnce(SyncActivator) -> Self + use<> {
        let (context, branch) = (Arc::clone(context), Arc::clone(branch));
        move |wake| {
            let (give, scored) = ReplySender::to(wake);
            Self { scoring: Scoring { context, branch, scored: give }, scored }
        }
    }
}

impl Service<ToScore, Vec<Scored>> for Scorer {
    fn ask(&mut self, request: ToScore) {
        let Some(version) = request.version else {
            let unscored = sum_up(&request, None, self.scoring.branch.interval);
            return self.scoring.scored.give(unscored);
        };
        let scoring = self.scoring.clone();
        self.scoring.context.reads.run(move || scoring.score(version, request));
    }

    fn poll(&mut self) -> Option<Vec<Scored>> {
        self.scored.try_recv().ok()
    }
}

impl Scoring {
    fn score(self, version: u64, request: ToScore) {
        let weights = match self.branch.weights(version) {
            Ok(weights) => weights,
            Err(error) => return self.context.fail(error),
        };
        let (ids, labels) = request.samples.iter().map(|sample| (sample.id, sample.label)).unzip();
        let job = ScoreJob { weights, ids, labels };
        let branch = Arc::clone(&self.branch);
        branch.runtime.score(job, move |scores| match scores {
            Ok(scores) => {
                self.scored.give(sum_up(&request, Some(&scores), self.branch.interval));
            }
            Err(error) if !self.context.stopping() => self.context.fail(error),
            Err(_) => {}
        });
    }
}

/// Sums scores by intervals of event time. Without scores, counts samples as unscored.
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
