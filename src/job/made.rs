//! What becomes of a decision: a version that is stored and recorded, or a failure.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use driftmill_operators::selection::TrainingSet;
use driftmill_operators::trigger::Outcome;

use super::describe::Named;
use super::irreducible::{Judged, Judges};
use super::trainer::Trainer;
use super::training::Stored;
use crate::catalog::{Beside, Failed, Finished, Made, OutcomeRecord, Version};
use crate::report::VersionLine;
use crate::train::{Trained, Weights};

impl Trainer {
    /// An outcome that was recorded before the job was started.
    pub(super) fn known_outcome(
        &mut self,
        set: &TrainingSet,
        outcome: OutcomeRecord,
    ) -> anyhow::Result<Outcome> {
        let Some(number) = outcome.version else {
            return self.failed(set, outcome.error.as_deref());
        };
        let weights = self.branch.weights(number)?;
        let version = self.branch.described(number)?;
        self.active(&version, weights);
        Ok(self.outcome(set, Some(number), outcome.seconds))
    }

    /// Makes the versions durable, records them, has the proper one published.
    pub(super) fn made(
        &mut self,
        set: &TrainingSet,
        trained: Trained,
        judged: &[Judged],
    ) -> anyhow::Result<Outcome> {
        let number = self.versions + 1;
        let beside = self.stored_beside(judged)?;
        let named = Named {
            branch: &self.branch,
            suffix: "",
            store: &self.branch.store,
            architecture: &self.context.pipeline.model,
            number,
            parent: self.branch.newest().map(|(version, _)| version),
            judges: &beside,
        };
        let stored = Stored::put(&self.context, named, set, &trained)?;
        self.record(set, Ok(stored.made(&trained)), (trained.seconds, &beside, judged))?;
        let sha256 = trained.weights.sha256();
        tracing::debug!(branch = self.branch.name, version = number, sha256, "trained");
        if self.branch.name.is_empty() {
            let folder = self.branch.store.folder_of(number);
            self.context.head().publisher.publish(&stored.version, &folder);
        }
        self.active(&stored.version, trained.weights);
        Ok(self.outcome(set, Some(number), trained.seconds))
    }

    /// Makes the versions of irreducible-loss models durable.
    fn stored_beside(&self, judged: &[Judged]) -> anyhow::Result<Vec<Stored>> {
        let judges = self.branch.judges.as_ref();
        let put = |(judges, judged): (&Arc<Judges>, &Judged)| {
            let judge = &judges.judges[judged.judge];
            let parent = judge.newest().as_ref().map(|(version, _)| *version);
            let named = Named {
                branch: &self.branch,
                suffix: &format!(".irreducible-{}", judged.judge + 1),
                store: &judge.store,
                architecture: &judges.model,
                number: parent.unwrap_or(0) + 1,
                parent,
                judges: &[],
            };
            Stored::put(&self.context, named, &judged.set, &judged.trained)
        };
        judged.iter().filter_map(|judged| Some((judges?, judged))).map(put).collect()
    }

    /// A version is there from now on.
    fn active(&mut self, version: &Version, weights: Weights) {
        self.versions = version.version;
        let mut story = self.branch.story();
        if let Some(line) = story.triggers.last_mut() {
            line.version = Some(version.version);
        }
        story.versions.push(VersionLine::of(version));
        drop(story);
        self.branch.made(version.version, weights);
    }

    fn record(
        &self,
        set: &TrainingSet,
        outcome: Result<Made<'_>, Failed<'_>>,
        (seconds, stored, judged): (f64, &[Stored], &[Judged]),
    ) -> anyhow::Result<()> {
        let evaluation = self.branch.evaluation(&self.context);
        let judges = self.branch.judges.as_ref().map_or(&[][..], |judges| &judges.judges);
        let beside = judged.iter().zip(stored).map(|(judged, stored)| Beside {
            branch: &judges[judged.judge].key,
            set: &judged.set,
            seed: judged.seed,
            parent: stored.version.parent,
            made: stored.made(&judged.trained),
            seconds: judged.trained.seconds,
        });
        let beside: Vec<Beside<'_>> = beside.collect();
        let finished = Finished {
            branch: &self.branch.name,
            trigger: set.decision.trigger,
            outcome,
            seconds,
            evaluation: &evaluation,
            beside: &beside,
        };
        self.context.patience.until_room(|| Ok(self.context.catalog().outcome(&finished)?))?;
        for (judged, stored) in judged.iter().zip(stored) {
            let weights = judged.trained.weights.clone();
            *judges[judged.judge].newest() = Some((stored.version.version, weights));
        }
        self.context.recorded.store(true, Ordering::Relaxed);
        Ok(())
    }

    pub(super) fn failed(&self, set: &TrainingSet, error: Option<&str>) -> anyhow::Result<Outcome> {
        if let Some(error) = error {
            tracing::warn!(trigger = set.decision.trigger, error, "a training failed");
        }
        self.record(set, Err(Failed { error }), (0.0, &[], &[]))?;
        Ok(self.outcome(set, None, 0.0))
    }

    /// What policies learn of a training.
    fn outcome(&self, set: &TrainingSet, version: Option<u64>, seconds: f64) -> Outcome {
        let known = if self.context.pipeline.forget.is_keep() { &[] } else { &set.rows[..] };
        Outcome {
            trigger: set.decision.trigger,
            version,
            effective: set.decision.end(),
            samples: set.rows.len() as u64,
            seconds,
            ids: known.iter().map(|row| row.id()).collect(),
        }
    }
}
