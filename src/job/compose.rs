//! The policies of a pipeline, each as it stands.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::context::init;
use super::{Branch, Shadow, shadow};
use crate::catalog::{BranchRecord, Catalog, CatalogError, ModelStore, PolicyEntry, ShadowRecord};
use crate::config::{self, Pipeline, shadow_key};
use crate::source::Partition;
use crate::train::{DeviceChoice, Rows, Runtime, TrainError, Training};

/// Where the branches of the pipeline stand.
pub(super) fn records(
    pipeline: &Pipeline,
    catalog: &Catalog,
) -> Result<Vec<BranchRecord>, CatalogError> {
    let names = std::iter::once("").chain(pipeline.compare.keys().map(String::as_str));
    names.map(|name| catalog.branch(name)).collect()
}

/// Where the shadows of the pipeline stand, `own` being where its own policies do. Where new ones
/// begin is recorded at once, for the others go on; where others stood that are there no more is
/// forgotten.
pub(super) fn shadow_records(
    pipeline: &Pipeline,
    catalog: &mut Catalog,
    (own, stable): (&BranchRecord, bool),
) -> Result<Vec<ShadowRecord>, CatalogError> {
    let keys: Vec<String> = pipeline.shadow.keys().map(|name| shadow_key(name)).collect();
    catalog.keep_shadows(&keys)?;
    let mut records = Vec::new();
    for (name, config::Shadow { trigger }) in &pipeline.shadow {
        let key = shadow_key(name);
        let mut record = catalog.shadow(&key)?;
        if record.standing.is_none() {
            record.standing = Some(shadow::beginning(init(trigger, stable), own, &record.fired));
            let standing = record.standing.as_ref();
            catalog.observed(&[], &[PolicyEntry { standing, ..PolicyEntry::of(&key) }])?;
        }
        records.push(record);
    }
    Ok(records)
}

/// The pipeline's shadows, as they stand in `records`.
pub(super) fn shadows(
    pipeline: &Pipeline,
    records: Vec<ShadowRecord>,
    partitions: &[Partition],
) -> Vec<Arc<Shadow>> {
    let shadows = pipeline.shadow.iter().zip(records);
    let shadow = |((name, shadow), record): ((&String, &config::Shadow), _)| {
        Arc::new(Shadow::new(name, &shadow.trigger, record, partitions))
    };
    shadows.map(shadow).collect()
}

/// A runtime for each branch: one in common on a graphics card; on the processor one each, among
/// which its threads are divided, for small steps gain more from neighbours than from threads.
pub(super) fn runtimes(
    pipeline: &Pipeline,
    rows: Arc<dyn Rows>,
) -> Result<Vec<Runtime>, TrainError> {
    let branches = 1 + pipeline.compare.len();
    let mut training = pipeline.training.clone();
    let start = |training: &Training| {
        Runtime::start(pipeline.model.clone(), training.clone(), Arc::clone(&rows))
    };
    if training.device != DeviceChoice::Cpu || branches == 1 {
        return Ok(vec![start(&training)?; branches]);
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from) / branches;
    training.threads = training.threads.or(NonZeroUsize::new(threads.max(1)));
    (0..branches).map(|_| start(&training)).collect()
}

/// The pipeline's own branch, then those it is compared with, as they stand in `records`.
pub(super) fn branches(
    pipeline: &Pipeline,
    folder: &Path,
    runtimes: Vec<Runtime>,
    (records, partitions): (Vec<BranchRecord>, &[Partition]),
) -> Result<Vec<Arc<Branch>>, CatalogError> {
    let mut runtimes = runtimes.into_iter().zip(records);
    let interval = pipeline.evaluation.interval.map(|span| span.millis());
    let mut branch = |name: &str, trigger, selection, store: PathBuf| {
        let (runtime, start) = runtimes.next().expect("there is one for each branch");
        let store = ModelStore::new(store);
        let policies = (trigger, selection);
        Branch::new(name, policies, store, (interval, runtime), (start, partitions)).map(Arc::new)
    };
    let (trigger, selection) = (&pipeline.trigger, &pipeline.selection);
    let own = branch("", trigger.clone(), selection.clone(), folder.join("models"));
    let compared = pipeline.compare.iter().map(|(name, comparison)| {
        let selection = comparison.selection.as_ref().unwrap_or(selection).clone();
        let store = folder.join("compare").join(name);
        branch(name, comparison.trigger.clone(), selection, store)
    });
    std::iter::once(own).chain(compared).collect()
}
