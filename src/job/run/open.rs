//! Creates a run, or resumes the one in the state directory.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::lifecycle::Options;
use super::pipeline_diff::changed;
use super::state_directory::{StateDirectory, StateError};
use crate::catalog::{Catalog, CatalogError, RunRecord, hex};
use crate::config::{Pipeline, recorded};
use crate::job::publish::predecessors::{self, Others};
use crate::sink::Sink;
use crate::source::Partition;

/// A run that was created or resumed.
pub(in crate::job) struct OpenedRun {
    pub(in crate::job) state: StateDirectory,
    pub(in crate::job) catalog: Catalog,
    pub(in crate::job) run: RunRecord,
    /// SHA-256 of the pipeline that it began with.
    pub(in crate::job) pipeline_digest: String,
    pub(in crate::job) partitions: Vec<Partition>,
}

/// Creates a pipeline's run, or resumes the one in `state`.
pub(in crate::job) fn open(
    pipeline: &Pipeline,
    options: &Options,
    sinks: &mut [(&'static str, Box<dyn Sink>)],
    state: Option<StateDirectory>,
) -> anyhow::Result<OpenedRun> {
    match state {
        Some(state) => resume(pipeline, state),
        None => create(pipeline, options, sinks),
    }
}

/// Opens the state directory of a pipeline's run; begins one where there is none, unless others
/// have published where it would.
fn create(
    pipeline: &Pipeline,
    options: &Options,
    sinks: &mut [(&'static str, Box<dyn Sink>)],
) -> anyhow::Result<OpenedRun> {
    let state = StateDirectory::create(&place(pipeline, options))?;
    let json = serde_json::to_value(pipeline).expect("a pipeline is plain data");
    if state.catalog().exists() {
        match Catalog::open(&state.catalog()) {
            Ok(catalog) if catalog.has_started()? => {
                // several processes cannot open it again by themselves.
                return if options.cluster.is_single() {
                    resume_with(pipeline, state, catalog, &json)
                } else {
                    resume(pipeline, state)
                };
            }
            // a start that failed is forgotten.
            Ok(_) => state.clear()?,
            Err(CatalogError::Format { format: 0, .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if !state.is_unused() {
        return Err(StateError::NoCatalog { path: state.path().to_owned() }.into());
    }
    let id = uuid::Uuid::new_v4().to_string();
    let adopted = predecessors::decide(sinks, &id, options.others)?;
    let current = json.to_string();
    let run = RunRecord { id, pipeline: current.clone(), current, adopted, complete: false };
    new(pipeline, state, run)
}

/// The first of the state directories that stand beside each other.
pub(in crate::job) fn default_directory(pipeline: &Pipeline, options: &Options) -> PathBuf {
    options.state.clone().unwrap_or_else(|| Path::new(".driftmill").join(&pipeline.name))
}

fn place(pipeline: &Pipeline, options: &Options) -> PathBuf {
    let (named, path) = (options.state.clone(), default_directory(pipeline, options));
    match (options.others, named) {
        (Others::Ignore, _) => StateDirectory::irreducible(&path),
        (_, None) => StateDirectory::newest(&path),
        (_, Some(named)) => named,
    }
}

fn new(pipeline: &Pipeline, state: StateDirectory, run: RunRecord) -> anyhow::Result<OpenedRun> {
    let partitions = pipeline.source.resolve()?;
    let log = state.path().join("log");
    std::fs::create_dir_all(&log).map_err(|reason| StateError::Io { path: log, reason })?;
    let pipeline_digest = digest(&run.pipeline);
    let catalog = Catalog::create(&state.catalog(), &run, &partitions)?;
    Ok(OpenedRun { state, catalog, run, pipeline_digest, partitions })
}

fn resume_with(
    pipeline: &Pipeline,
    state: StateDirectory,
    mut catalog: Catalog,
    json: &Value,
) -> anyhow::Result<OpenedRun> {
    let run = catalog.run()?;
    let [first, last] = [&run.pipeline, &run.current].map(|json| recorded(json));
    // shadows may have come and gone since the first start.
    let mut keys = changed(&first?, json);
    keys.retain(|key| !key.starts_with("shadow."));
    keys.extend(changed(&last?, json).into_iter().filter(|key| key.starts_with("shadow.")));
    if !keys.is_empty() {
        return Err(StateError::Changed { path: state.path().to_owned(), keys }.into());
    }
    catalog.set_current(&json.to_string())?;
    let mut partitions = catalog.partitions()?;
    if run.complete {
        // the stream may have grown since the run reached its end.
        extend(&mut partitions, pipeline.source.resolve()?);
        catalog.set_partitions(&partitions)?;
        catalog.set_complete(false)?;
    }
    let pipeline_digest = digest(&run.pipeline);
    tracing::info!("going on with run {} in `{}`", run.id, state.path().display());
    Ok(OpenedRun { state, catalog, run, pipeline_digest, partitions })
}

/// Opens the run in `state` again, with the partitions that its stream has by now.
fn resume(pipeline: &Pipeline, state: StateDirectory) -> anyhow::Result<OpenedRun> {
    let mut catalog = Catalog::open(&state.catalog())?;
    let json = serde_json::to_value(pipeline).expect("a pipeline is plain data");
    let mut partitions = catalog.partitions()?;
    match pipeline.source.added(&partitions) {
        Ok(added) => partitions.extend(added),
        // it will be noticed again.
        Err(error) => tracing::warn!("looking for new partitions: {error}"),
    }
    catalog.set_partitions(&partitions)?;
    resume_with(pipeline, state, catalog, &json)
}

/// Moves ends to where they are now.
fn extend(partitions: &mut [Partition], now: Vec<Partition>) {
    for partition in partitions {
        let same = |other: &&Partition| {
            (&other.topic, other.partition) == (&partition.topic, partition.partition)
        };
        if let Some(found) = now.iter().find(same) {
            partition.end = partition.end.max(found.end).filter(|_| found.end.is_some());
        }
    }
}

fn digest(json: &str) -> String {
    use sha2::Digest;
    hex(&sha2::Sha256::digest(json.as_bytes()))
}
