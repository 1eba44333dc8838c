//! Outcomes of decisions: a version that is stored and recorded, or a failure.

use std::sync::Arc;

use driftmill_operators::selection::TrainingSet;
use driftmill_operators::trigger::Outcome;

use super::describe::Named;
use super::records::Records;
use super::stored::Stored;
use crate::catalog::{
    Failed, IrreducibleOutcome, NewDecision, NewVersion, OutcomeEntry, OutcomeRecord,
};
use crate::job::branch::irreducible::{IrreducibleLossModel, IrreducibleTraining};
use crate::job::{Branch, Context};
use crate::train::{Trained, Weights};

/// Stores and records the outcomes of a branch.
pub(in crate::job) struct Outcomes {
    context: Arc<Context>,
    branch: Arc<Branch>,
    versions: u64,
}

/// Details that are recorded with an outcome.
#[derive(Default)]
struct Details<'a> {
    seconds: f64,
    stored: &'a [Stored],
    irreducible_trainings: &'a [IrreducibleTraining],
}

impl Outcomes {
    pub(in crate::job) fn new(context: &Arc<Context>, branch: &Arc<Branch>) -> Self {
        let versions = branch.newest().map_or(0, |(version, _)| version);
        Self { context: Arc::clone(context), branch: Arc::clone(branch), versions }
    }

    /// Returns an outcome that was recorded before the start of the job.
    ///
    /// # Errors
    /// When the version cannot be read, or the failure cannot be recorded.
    pub(in crate::job) fn known(
        &mut self,
        set: &TrainingSet,
        outcome: OutcomeRecord,
        records: &mut Records<'_>,
    ) -> anyhow::Result<Outcome> {
        let Some(number) = outcome.version else {
            return self.failed(set, outcome.error.as_deref(), records);
        };
        let weights = self.branch.weights(number)?;
        self.active(number, weights);
        Ok(self.outcome(set, Some(number), outcome.seconds))
    }

    /// Stores and records the version of a training and those of its irreducible-loss models. Publishes the
    /// version if it belongs to the pipeline's own branch.
    ///
    /// # Errors
    /// When a file or the catalog cannot be written.
    pub(in crate::job) fn trained(
        &mut self,
        set: &TrainingSet,
        trained: &Trained,
        irreducible_trainings: &[IrreducibleTraining],
        records: &mut Records<'_>,
    ) -> anyhow::Result<Outcome> {
        let number = self.versions + 1;
        let irreducible = self.store_irreducible(irreducible_trainings)?;
        let ids: Vec<String> = irreducible.iter().map(|stored| stored.version.id.clone()).collect();
        let named = Named {
            branch: &self.branch,
            suffix: "",
            store: &self.branch.store,
            architecture: &self.context.pipeline.model,
            number,
            parent: self.branch.newest().map(|(version, _)| version),
            irreducible_models: &ids,
        };
        let stored = Stored::put(&self.context, named, set, trained)?;
        let details =
            Details { seconds: trained.seconds, stored: &irreducible, irreducible_trainings };
        self.record(set, Ok(stored.record(trained)), details, records)?;
        let sha256 = trained.weights.sha256();
        tracing::debug!(branch = self.branch.name, version = number, sha256, "trained");
        if self.branch.name.is_empty() {
            let folder = self.branch.store.folder_of(number);
            records.publisher.publish(&stored.version, &folder);
        }
        self.active(number, trained.weights.clone());
        Ok(self.outcome(set, Some(number), trained.seconds))
    }

    /// Makes the versions of irreducible-loss models durable.
    fn store_irreducible(&self, trainings: &[IrreducibleTraining]) -> anyhow::Result<Vec<Stored>> {
        let Some(models) = &self.branch.irreducible_models else { return Ok(Vec::new()) };
        let put = |training: &IrreducibleTraining| {
            let model = &models.irreducible_models[training.index];
            let parent = model.newest().as_ref().map(|(version, _)| *version);
            let named = Named {
                branch: &self.branch,
                suffix: &format!(".irreducible-{}", training.index + 1),
                store: &model.store,
                architecture: &models.model,
                number: parent.unwrap_or(0) + 1,
                parent,
                irreducible_models: &[],
            };
            Stored::put(&self.context, named, &training.set, &training.trained)
        };
        trainings.iter().map(put).collect()
    }

    /// Makes a version the active one.
    fn active(&mut self, version: u64, weights: Weights) {
        self.versions = version;
        self.branch.activate(version, weights);
    }

    fn record(
        &self,
        set: &TrainingSet,
        outcome: Result<NewVersion<'_>, Failed<'_>>,
        details: Details<'_>,
        records: &mut Records<'_>,
    ) -> anyhow::Result<()> {
        let Details { seconds, stored, irreducible_trainings } = details;
        let models = self.branch.irreducible_models.as_ref();
        let models: &[IrreducibleLossModel] =
            models.map_or(&[], |models| &models.irreducible_models);
        let trained = || irreducible_trainings.iter().zip(stored);
        let irreducible = trained().map(|(training, stored)| IrreducibleOutcome {
            decision: NewDecision {
                branch: &models[training.index].key,
                set: &training.set,
                seed: training.seed,
                model: stored.version.parent,
            },
            version: stored.record(&training.trained),
            seconds: training.trained.seconds,
        });
        let finished = OutcomeEntry {
            branch: &self.branch.name,
            trigger: set.decision.trigger,
            outcome,
            seconds,
            evaluation: &records.history.evaluation(&self.branch, &self.context),
            irreducible: &irreducible.collect::<Vec<_>>(),
        };
        records.durability.catalog.record_outcome(&finished)?;
        for (training, stored) in trained() {
            let weights = training.trained.weights.clone();
            *models[training.index].newest() = Some((stored.version.version, weights));
        }
        Ok(())
    }

    /// Records that there is no version: the training failed, or its training set was empty.
    ///
    /// # Errors
    /// When the catalog cannot be written.
    pub(in crate::job) fn failed(
        &self,
        set: &TrainingSet,
        error: Option<&str>,
        records: &mut Records<'_>,
    ) -> anyhow::Result<Outcome> {
        if let Some(error) = error {
            tracing::warn!(trigger = set.decision.trigger, error, "a training failed");
        }
        self.record(set, Err(Failed { error }), Details::default(), records)?;
        Ok(self.outcome(set, None, 0.0))
    }

    /// The outcome for policies.
    fn outcome(&self, set: &TrainingSet, version: Option<u64>, seconds: f64) -> Outcome {
        let known = if self.context.pipeline.on_delete.is_keep() { &[] } else { &set.rows[..] };
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
