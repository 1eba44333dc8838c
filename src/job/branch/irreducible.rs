//! Irreducible-loss models: they estimate the part of a sample's loss that no training removes.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use crossbeam_channel::bounded;
use driftmill_operators::Record;
use driftmill_operators::selection::{Candidate, Holdout, TrainingSet};
use parking_lot::{Mutex, MutexGuard};

use crate::catalog::{Catalog, CatalogError, ModelStore, irreducible_key};
use crate::model::ModelTable;
use crate::train::{
    FeatureStore, HeldOut, Irreducible, IrreducibleModels, Runtime, ScoreJob, TrainError, TrainJob,
    Trained, Training, TrainingRow, Weights,
};

/// The irreducible-loss models of a branch, and the thread that owns them.
pub(in crate::job) struct IrreducibleLossModels {
    runtime: Runtime,
    /// Their architecture.
    pub(in crate::job) model: ModelTable,
    held_out: HeldOut,
    /// The samples that the first model is trained on.
    first: Holdout,
    pub(in crate::job) irreducible_models: Vec<IrreducibleLossModel>,
}

/// One model, with its versions.
pub(in crate::job) struct IrreducibleLossModel {
    /// Its key in the catalog.
    pub(in crate::job) key: String,
    pub(in crate::job) store: ModelStore,
    newest: Mutex<Option<(u64, Weights)>>,
}

/// A trained version, which is stored with the outcome of the training that needed it.
pub(in crate::job) struct IrreducibleTraining {
    /// The index of the model.
    pub(in crate::job) index: usize,
    /// Its training set.
    pub(in crate::job) set: TrainingSet,
    /// Seed of the training.
    pub(in crate::job) seed: u64,
    pub(in crate::job) trained: Trained,
}

/// The rows of a training with their irreducible losses.
pub(in crate::job) struct IrreducibleLosses {
    pub(in crate::job) rows: Vec<TrainingRow>,
    pub(in crate::job) irreducible: Irreducible,
    pub(in crate::job) versions: Vec<IrreducibleTraining>,
}

impl IrreducibleLossModels {
    /// Restores the models of a branch from the catalog.
    pub(in crate::job) fn open(
        branch: &str,
        table: &IrreducibleModels,
        model: &ModelTable,
        training: &Training,
        features: Arc<dyn FeatureStore>,
        catalog: &Catalog,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let model = table.model.as_ref().unwrap_or(model).clone();
        let training = table.training.as_ref().unwrap_or(training).clone();
        let holdout = Holdout::new(table.holdout.share(), training.seed);
        let runtime = Runtime::start(model.clone(), training, features)?;
        let whose = if branch.is_empty() { "the pipeline" } else { branch };
        let irreducible_models = (1..=table.holdout.models()).map(|number| {
            let key = irreducible_key(branch, number);
            let store = ModelStore::of(folder, &key);
            let newest = newest(catalog, &key, &store)
                .with_context(|| format!("opening irreducible-loss model {number} of {whose}"))?;
            Ok(IrreducibleLossModel { key, store, newest: Mutex::new(newest) })
        });
        Ok(Self {
            runtime,
            model,
            held_out: table.holdout,
            first: holdout.map_err(anyhow::Error::msg)?,
            irreducible_models: irreducible_models.collect::<anyhow::Result<_>>()?,
        })
    }

    /// Ends the thread at the next batch.
    pub(in crate::job) fn stop(&self) {
        self.runtime.stop();
    }

    /// Trains the models and waits for their losses; none if the set is too small to hold out a part.
    pub(in crate::job) fn train_and_score(
        &self,
        set: &TrainingSet,
        seed: u64,
    ) -> Result<Option<IrreducibleLosses>, TrainError> {
        let firsts = |row: &Candidate| {
            let label = Some(row.label);
            self.first.holds_out(&Record { position: row.position, key: 0, time: 0, label })
        };
        let (first, rest): (Vec<_>, Vec<_>) = set.rows.iter().copied().partition(firsts);
        if first.is_empty() || rest.is_empty() {
            let (trigger, samples) = (set.decision.trigger, set.rows.len());
            tracing::warn!(trigger, samples, "too few samples for a holdout: all are trained on");
            return Ok(None);
        }
        let trained_samples = match self.held_out {
            HeldOut::Share(_) => rest.clone(),
            HeldOut::Twin(_) => set.rows.clone(),
        };
        let parts = [first, rest];
        let (mut irreducible, mut versions) = (Irreducible::default(), Vec::new());
        for index in 0..self.irreducible_models.len() {
            let part = TrainingSet { rows: parts[index].clone(), ..set.clone() };
            // equal initial weights would lead to equal errors.
            let seed = seed ^ ((index as u64 + 1) << 48);
            let trained = self.train(index, &part, seed)?;
            let others = &parts[1 - index];
            let (send, answer) = bounded(1);
            let job = ScoreJob {
                weights: trained.weights.clone(),
                ids: others.iter().map(|row| row.id()).collect(),
                labels: others.iter().map(|row| row.label).collect(),
            };
            // the receiver is missing only if the whole job has ended.
            self.runtime.score(job, move |result| drop(send.send(result)));
            let scores = answer.recv().unwrap_or(Err(TrainError::Stopped))?;
            let scored = others.iter().zip(scores).map(|(row, score)| (row.id(), score.loss));
            irreducible.0.extend(scored);
            versions.push(IrreducibleTraining { index, set: part, seed, trained });
        }
        Ok(Some(IrreducibleLosses { rows: training_rows(&trained_samples), irreducible, versions }))
    }

    fn train(&self, index: usize, part: &TrainingSet, seed: u64) -> Result<Trained, TrainError> {
        let start = self.irreducible_models[index].newest().clone().map(|(_, weights)| weights);
        let (send, answer) = bounded(1);
        let rows = training_rows(&part.rows);
        let (first, memory) = (start.is_none(), part.memory.clone());
        let job = TrainJob { rows, first, start, seed, memory, ..TrainJob::default() };
        self.runtime.train(job, |_| (), move |result| drop(send.send(result)));
        answer.recv().unwrap_or(Err(TrainError::Stopped))
    }
}

/// The rows of a training set for the runtime.
pub(in crate::job) fn training_rows(rows: &[Candidate]) -> Vec<TrainingRow> {
    let row = |row: &Candidate| TrainingRow { id: row.id(), label: row.label, weight: row.weight };
    rows.iter().map(row).collect()
}

impl IrreducibleLossModel {
    /// Its newest version.
    pub(in crate::job) fn newest(&self) -> MutexGuard<'_, Option<(u64, Weights)>> {
        self.newest.lock()
    }
}

fn newest(
    catalog: &Catalog,
    key: &str,
    store: &ModelStore,
) -> Result<Option<(u64, Weights)>, CatalogError> {
    let Some(newest) = catalog.versions(key, Some(1))?.pop() else { return Ok(None) };
    let version = newest.version;
    let weights = Weights::new(store.weights(version)?);
    if newest.sha256 != weights.sha256() {
        return Err(CatalogError::Other { file: "weights", version });
    }
    Ok(Some((version, weights)))
}
