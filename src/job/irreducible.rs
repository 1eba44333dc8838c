//! Models that tell what of a sample's loss cannot be learnt.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use anyhow::Context as _;
use crossbeam_channel::bounded;
use driftmill_operators::Record;
use driftmill_operators::selection::{Candidate, Holdout, TrainingSet};

use crate::catalog::{Catalog, CatalogError, ModelStore, irreducible_key};
use crate::model::ModelTable;
use crate::train::{
    HeldOut, Irreducible, IrreducibleModels, Rows, Runtime, ScoreJob, TrainError, TrainJob,
    Trained, Training, TrainingRow, Weights,
};

/// The irreducible-loss models of a branch, and the thread that owns them.
pub(super) struct Judges {
    runtime: Runtime,
    /// Their architecture.
    pub(super) model: ModelTable,
    held_out: HeldOut,
    /// Which samples the first of them is trained on.
    first: Holdout,
    pub(super) judges: Vec<Judge>,
}

/// One model, with its versions.
pub(super) struct Judge {
    /// What the catalog calls it.
    pub(super) key: String,
    pub(super) store: ModelStore,
    newest: Mutex<Option<(u64, Weights)>>,
}

/// A version that was trained, to be stored with the outcome of the training that it was for.
pub(super) struct Judged {
    /// Which of the models.
    pub(super) judge: usize,
    /// What it was trained on.
    pub(super) set: TrainingSet,
    /// Seed of the training.
    pub(super) seed: u64,
    pub(super) trained: Trained,
}

/// What a training learns from once the judges have spoken.
pub(super) struct Judgement {
    pub(super) rows: Vec<TrainingRow>,
    pub(super) irreducible: Irreducible,
    pub(super) versions: Vec<Judged>,
}

impl Judges {
    /// The models of a branch, as they stand in the catalog.
    pub(super) fn open(
        (branch, table): (&str, &IrreducibleModels),
        (model, training): (&ModelTable, &Training),
        rows: Arc<dyn Rows>,
        (catalog, folder): (&Catalog, &Path),
    ) -> anyhow::Result<Self> {
        let model = table.model.as_ref().unwrap_or(model).clone();
        let training = table.training.as_ref().unwrap_or(training).clone();
        let holdout = Holdout::new(table.holdout.share(), training.seed);
        let runtime = Runtime::start(model.clone(), training, rows)?;
        let whose = if branch.is_empty() { "the pipeline" } else { branch };
        let judges = (1..=table.holdout.models()).map(|number| {
            let key = irreducible_key(branch, number);
            let store = ModelStore::of(folder, &key);
            let newest = newest(catalog, &key, &store)
                .with_context(|| format!("opening irreducible-loss model {number} of {whose}"))?;
            Ok(Judge { key, store, newest: Mutex::new(newest) })
        });
        Ok(Self {
            runtime,
            model,
            held_out: table.holdout,
            first: holdout.map_err(anyhow::Error::msg)?,
            judges: judges.collect::<anyhow::Result<_>>()?,
        })
    }

    /// Ends the thread at the next batch.
    pub(super) fn stop(&self) {
        self.runtime.stop();
    }

    /// Trains the models and asks them; waits for the answers. None where the set is too small to hold
    /// something out of it.
    pub(super) fn judge(
        &self,
        set: &TrainingSet,
        seed: u64,
    ) -> Result<Option<Judgement>, TrainError> {
        let firsts = |row: &Candidate| {
            let label = Some(row.label);
            self.first.holds_out(&Record { position: row.position, key: 0, time: 0, label })
        };
        let (first, rest): (Vec<_>, Vec<_>) = set.rows.iter().copied().partition(firsts);
        if first.is_empty() || rest.is_empty() {
            let (trigger, samples) = (set.decision.trigger, set.rows.len());
            tracing::warn!(trigger, samples, "too few to hold some out: all are learnt from");
            return Ok(None);
        }
        let learnt = match self.held_out {
            HeldOut::Share(_) => rest.clone(),
            HeldOut::Twin(_) => set.rows.clone(),
        };
        let parts = [first, rest];
        let (mut irreducible, mut versions) = (Irreducible::default(), Vec::new());
        for judge in 0..self.judges.len() {
            let part = TrainingSet { rows: parts[judge].clone(), ..set.clone() };
            // twins that begin alike would err alike.
            let seed = seed ^ ((judge as u64 + 1) << 48);
            let trained = self.train(judge, &part, seed)?;
            let others = &parts[1 - judge];
            let (send, answer) = bounded(1);
            let job = ScoreJob {
                weights: trained.weights.clone(),
                ids: others.iter().map(|row| row.id()).collect(),
                labels: others.iter().map(|row| row.label).collect(),
            };
            // nobody waits any more only if the whole job is over.
            self.runtime.score(job, move |result| drop(send.send(result)));
            let scores = answer.recv().unwrap_or(Err(TrainError::Stopped))?;
            let scored = others.iter().zip(scores).map(|(row, score)| (row.id(), score.loss));
            irreducible.0.extend(scored);
            versions.push(Judged { judge, set: part, seed, trained });
        }
        Ok(Some(Judgement { rows: training_rows(&learnt), irreducible, versions }))
    }

    fn train(&self, judge: usize, part: &TrainingSet, seed: u64) -> Result<Trained, TrainError> {
        let start = self.judges[judge].newest().clone().map(|(_, weights)| weights);
        let (send, answer) = bounded(1);
        let rows = training_rows(&part.rows);
        let (first, memory) = (start.is_none(), part.memory.clone());
        let job = TrainJob { rows, first, start, seed, memory, ..TrainJob::default() };
        self.runtime.train(job, |_| (), move |result| drop(send.send(result)));
        answer.recv().unwrap_or(Err(TrainError::Stopped))
    }
}

/// The rows of a training set, as the runtime takes them.
pub(super) fn training_rows(rows: &[Candidate]) -> Vec<TrainingRow> {
    let row = |row: &Candidate| TrainingRow { id: row.id(), label: row.label, weight: row.weight };
    rows.iter().map(row).collect()
}

impl Judge {
    /// Its newest version.
    pub(super) fn newest(&self) -> MutexGuard<'_, Option<(u64, Weights)>> {
        self.newest.lock().expect("no one panics while holding a version")
    }
}

fn newest(
    catalog: &Catalog,
    key: &str,
    store: &ModelStore,
) -> Result<Option<(u64, Weights)>, CatalogError> {
    let decisions = catalog.decisions(key)?;
    let outcomes = decisions.into_iter().rev().filter_map(|record| record.outcome);
    let Some(outcome) = outcomes.into_iter().find(|outcome| outcome.version.is_some()) else {
        return Ok(None);
    };
    let version = outcome.version.unwrap_or_default();
    let weights = Weights::new(store.weights(version)?);
    if outcome.sha256.as_deref() != Some(weights.sha256()) {
        return Err(CatalogError::Other { file: "weights", version });
    }
    Ok(Some((version, weights)))
}
