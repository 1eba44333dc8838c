//! What becomes of a decision: a version that is stored and recorded, or a failure.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use driftmill_operators::selection::TrainingSet;
use driftmill_operators::trigger::Outcome;

use super::describe::Named;
use super::trainer::Trainer;
use super::training::Stored;
use crate::catalog::{Failed, Finished, IrreducibleOutcome, Made, OutcomeRecord, Version};
use crate::job::branch::irreducible::{IrreducibleLossModels, IrreducibleTraining};
use crate::report::VersionLine;
use crate::train::{Trained, Weights};

impl Trainer {
    /// An outcome that was recorded before the job was started.
    pub(in crate::job) fn known_outcome(
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
    pub(in crate::job) fn made(
        &mut self,
        set: &TrainingSet,
        trained: Trained,
        irreducible_trainings: &[IrreducibleTraining],
    ) -> anyhow::Result<Outcome> {
        let number = self.versions + 1;
        let irreducible = self.store_irreducible(irreducible_trainings)?;
        let named = Named {
            branch: &self.branch,
            suffix: "",
            store: &self.branch.store,
            architecture: &self.context.pipeline.model,
            number,
            parent: self.branch.newest().map(|(version, _)| version),
            irreducible_models: &irreducible,
        };
        let stored = Stored::put(&self.context, named, set, &trained)?;
        self.record(
            set,
            Ok(stored.made(&trained)),
            (trained.seconds, &irreducible, irreducible_trainings),
        )?;
        let sha256 = trained.weights.sha256();
        tracing::debug!(branch = self.branch.name, version = number, sha256, "trained");
        if self.branch.name.is_empty() {
            let folder = self.branch.store.folder_of(number);
            self.context.coordinator().publisher.publish(&stored.version, &folder);
        }
        self.active(&stored.version, trained.weights);
        Ok(self.outcome(set, Some(number), trained.seconds))
    }

    /// Makes the versions of irreducible-loss models durable.
    fn store_irreducible(
        &self,
        irreducible_trainings: &[IrreducibleTraining],
    ) -> anyhow::Result<Vec<Stored>> {
        let irreducible_models = self.branch.irreducible_models.as_ref();
        let put = |(irreducible_models, irreducible_trainings): (
            &Arc<IrreducibleLossModels>,
            &IrreducibleTraining,
        )| {
            let irreducible_model =
                &irreducible_models.irreducible_models[irreducible_trainings.irreducible_model];
            let parent = irreducible_model.newest().as_ref().map(|(version, _)| *version);
            let named = Named {
                branch: &self.branch,
                suffix: &format!(".irreducible-{}", irreducible_trainings.irreducible_model + 1),
                store: &irreducible_model.store,
                architecture: &irreducible_models.model,
                number: parent.unwrap_or(0) + 1,
                parent,
                irreducible_models: &[],
            };
            Stored::put(
                &self.context,
                named,
                &irreducible_trainings.set,
                &irreducible_trainings.trained,
            )
        };
        irreducible_trainings
            .iter()
            .filter_map(|irreducible_trainings| Some((irreducible_models?, irreducible_trainings)))
            .map(put)
            .collect()
    }

    /// A version is there from now on.
    fn active(&mut self, version: &Version, weights: Weights) {
        self.versions = version.version;
        let mut history = self.branch.history();
        if let Some(line) = history.triggers.last_mut() {
            line.version = Some(version.version);
        }
        history.versions.push(VersionLine::of(version));
        drop(history);
        self.branch.made(version.version, weights);
    }

    fn record(
        &self,
        set: &TrainingSet,
        outcome: Result<Made<'_>, Failed<'_>>,
        (seconds, stored, irreducible_trainings): (f64, &[Stored], &[IrreducibleTraining]),
    ) -> anyhow::Result<()> {
        let evaluation = self.branch.evaluation(&self.context);
        let irreducible_models = self
            .branch
            .irreducible_models
            .as_ref()
            .map_or(&[][..], |irreducible_models| &irreducible_models.irreducible_models);
        let irreducible =
            irreducible_trainings.iter().zip(stored).map(|(irreducible_trainings, stored)| {
                IrreducibleOutcome {
                    branch: &irreducible_models[irreducible_trainings.irreducible_model].key,
                    set: &irreducible_trainings.set,
                    seed: irreducible_trainings.seed,
                    parent: stored.version.parent,
                    made: stored.made(&irreducible_trainings.trained),
                    seconds: irreducible_trainings.trained.seconds,
                }
            });
        let irreducible: Vec<IrreducibleOutcome<'_>> = irreducible.collect();
        let finished = Finished {
            branch: &self.branch.name,
            trigger: set.decided.trigger,
            outcome,
            seconds,
            evaluation: &evaluation,
            irreducible: &irreducible,
        };
        self.context
            .cancellation
            .until_room(|| Ok(self.context.catalog().outcome(&finished)?))?;
        for (irreducible_trainings, stored) in irreducible_trainings.iter().zip(stored) {
            let weights = irreducible_trainings.trained.weights.clone();
            *irreducible_models[irreducible_trainings.irreducible_model].newest() =
                Some((stored.version.version, weights));
        }
        self.context.recorded.store(true, Ordering::Relaxed);
        Ok(())
    }

    pub(in crate::job) fn failed(
        &self,
        set: &TrainingSet,
        error: Option<&str>,
    ) -> anyhow::Result<Outcome> {
        if let Some(error) = error {
            tracing::warn!(trigger = set.decided.trigger, error, "a training failed");
        }
        self.record(set, Err(Failed { error }), (0.0, &[], &[]))?;
        Ok(self.outcome(set, None, 0.0))
    }

    /// What policies learn of a training.
    fn outcome(&self, set: &TrainingSet, version: Option<u64>, seconds: f64) -> Outcome {
        let known = if self.context.pipeline.on_delete.is_keep() { &[] } else { &set.rows[..] };
        Outcome {
            trigger: set.decided.trigger,
            version,
            effective: set.decided.end(),
            samples: set.rows.len() as u64,
            seconds,
            ids: known.iter().map(|row| row.id()).collect(),
        }
    }
}
