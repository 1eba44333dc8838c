//! Restores the policies of a pipeline from their checkpoints.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use driftmill_operators::flow::shadowed;
use driftmill_operators::selection::SelectionConfig;

use super::irreducible::IrreducibleLossModels;
use super::shadow;
use crate::catalog::{BranchRecord, Catalog, CatalogError, ModelStore, PolicyEntry, ShadowRecord};
use crate::config::{self, Composition, Pipeline, shadow_key};
use crate::job::context::init;
use crate::job::{Branch, Shadow};
use crate::train::{DeviceChoice, FeatureStore, Runtime, TrainError, Training};

/// The policies of a pipeline with their records.
pub(in crate::job) struct Composed {
    pub(in crate::job) records: Vec<BranchRecord>,
    pub(in crate::job) branches: Vec<Arc<Branch>>,
    pub(in crate::job) started: Vec<ShadowRecord>,
    pub(in crate::job) shadows: Vec<Arc<Shadow>>,
}

/// Restores them from the catalog. `stable` is whether the stream is declared stable.
pub(in crate::job) fn compose(
    pipeline: &Pipeline,
    folder: &Path,
    features: Arc<dyn FeatureStore>,
    catalog: &mut Catalog,
    stable: bool,
) -> anyhow::Result<Composed> {
    let runtimes = runtimes(pipeline, Arc::clone(&features))?;
    let irreducible_models = irreducible_models(pipeline, &features, catalog, folder)?;
    let records = records(pipeline, catalog)?;
    let threads = runtimes.into_iter().zip(irreducible_models).collect();
    let branches = branches(pipeline, folder, threads, records.clone())?;
    let started = shadow_records(pipeline, catalog, &records[0], stable)?;
    check_triggers(pipeline, &records, &started, stable)?;
    let shadows = shadows(pipeline, started.clone());
    Ok(Composed { records, branches, started, shadows })
}

/// Checks that the checkpoints of all trigger policies decode, before the dataflow loads them.
fn check_triggers(
    pipeline: &Pipeline,
    records: &[BranchRecord],
    started: &[ShadowRecord],
    stable: bool,
) -> Result<(), CatalogError> {
    const TABLE: &str = "trigger_checkpoints";
    for (branch, record) in pipeline.branches().zip(records) {
        if let Some(checkpoint) = &record.checkpoint {
            let loaded = init(branch.trigger, stable).load(&checkpoint.policy);
            loaded.map_err(|error| CatalogError::checkpoint(TABLE, branch.name, error))?;
        }
    }
    for ((name, shadow), record) in pipeline.shadow.iter().zip(started) {
        if let Some(checkpoint) = &record.checkpoint {
            let loaded = shadowed(init(&shadow.trigger, stable)).load(&checkpoint.policy);
            loaded.map_err(|error| CatalogError::checkpoint(TABLE, &shadow_key(name), error))?;
        }
    }
    Ok(())
}

/// The records of the pipeline's branches.
fn records(pipeline: &Pipeline, catalog: &Catalog) -> Result<Vec<BranchRecord>, CatalogError> {
    let record = |branch: Composition<'_>| {
        let mut record = catalog.branch(branch.name)?;
        if branch.selection.remembers() {
            record.selection_checkpoints.chosen = catalog.chosen(branch.name, &record)?;
        }
        Ok(record)
    };
    pipeline.branches().map(record).collect()
}

/// The records of the pipeline's shadows. New shadows begin at the checkpoint of the pipeline's own
/// policies, `own`. This checkpoint is recorded at once, because the other policies continue. Checkpoints
/// of removed shadows are deleted.
fn shadow_records(
    pipeline: &Pipeline,
    catalog: &mut Catalog,
    own: &BranchRecord,
    stable: bool,
) -> Result<Vec<ShadowRecord>, CatalogError> {
    let keys: Vec<String> = pipeline.shadow.keys().map(|name| shadow_key(name)).collect();
    catalog.keep_shadows(&keys)?;
    let mut records = Vec::new();
    for (name, config::Shadow { trigger }) in &pipeline.shadow {
        let key = shadow_key(name);
        let mut record = catalog.shadow(&key)?;
        if record.checkpoint.is_none() {
            record.checkpoint =
                Some(shadow::beginning(init(trigger, stable), own, record.next_decision));
            let checkpoint = record.checkpoint.as_ref();
            catalog.record_progress(&[], &[PolicyEntry { checkpoint, ..PolicyEntry::of(&key) }])?;
        }
        records.push(record);
    }
    Ok(records)
}

/// The pipeline's shadows, restored from `records`.
pub(in crate::job) fn shadows(pipeline: &Pipeline, records: Vec<ShadowRecord>) -> Vec<Arc<Shadow>> {
    let shadows = pipeline.shadow.iter().zip(records);
    let shadow = |((name, shadow), record): ((&String, &config::Shadow), _)| {
        Arc::new(Shadow::new(name, &shadow.trigger, record))
    };
    shadows.map(shadow).collect()
}

/// A runtime for each branch. On a graphics card all branches share one. On the processor each branch has
/// one, and the threads are divided among them, because small steps are faster in parallel branches than on
/// several threads.
pub(in crate::job) fn runtimes(
    pipeline: &Pipeline,
    features: Arc<dyn FeatureStore>,
) -> Result<Vec<Runtime>, TrainError> {
    let branches = 1 + pipeline.compare.len();
    let mut training = pipeline.training.clone();
    let start = |training: &Training| {
        Runtime::start(pipeline.model.clone(), training.clone(), Arc::clone(&features))
    };
    if training.device != DeviceChoice::Cpu || branches == 1 {
        return Ok(vec![start(&training)?; branches]);
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from) / branches;
    training.threads = training.threads.or(NonZeroUsize::new(threads.max(1)));
    (0..branches).map(|_| start(&training)).collect()
}

/// The irreducible-loss models of each branch that requires them, on the process that trains.
fn irreducible_models(
    pipeline: &Pipeline,
    features: &Arc<dyn FeatureStore>,
    catalog: &Catalog,
    folder: &Path,
) -> anyhow::Result<Vec<Option<IrreducibleLossModels>>> {
    let irreducible_models = |branch: Composition<'_>| {
        let table = branch.downsampling.and_then(|downsampling| downsampling.irreducible.as_ref());
        let open = |table| {
            let Pipeline { model, training, .. } = pipeline;
            let features = Arc::clone(features);
            IrreducibleLossModels::open(
                branch.name,
                table,
                model,
                training,
                features,
                catalog,
                folder,
            )
        };
        table.map(open).transpose()
    };
    pipeline.branches().map(irreducible_models).collect()
}

/// The pipeline's own branch and the comparisons, restored from `records`.
pub(in crate::job) fn branches(
    pipeline: &Pipeline,
    folder: &Path,
    threads: Vec<(Runtime, Option<IrreducibleLossModels>)>,
    records: Vec<BranchRecord>,
) -> Result<Vec<Arc<Branch>>, CatalogError> {
    let mut threads = threads.into_iter().zip(records);
    let interval = pipeline.evaluation.interval.map(|span| span.millis());
    let branch = |branch: Composition<'_>| {
        let ((runtime, irreducible_models), start) =
            threads.next().expect("there is one for each branch");
        let store = ModelStore::of(folder, branch.name);
        let selection = pipeline.evaluation.holdout.around(Arc::new(branch.selection.clone()));
        let models = irreducible_models;
        Branch::new(branch, selection, store, interval, runtime, models, start).map(Arc::new)
    };
    pipeline.branches().map(branch).collect()
}
