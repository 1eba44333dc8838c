//! Creation of a run, and resumption of the run in a state directory.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::options::Options;
use super::pipeline_diff::changed;
use super::state_directory::{StateDirectory, StateError};
use crate::catalog::{Catalog, CatalogError, RunRecord};
use crate::config::{Pipeline, recorded};
use crate::job::publish::predecessors::{self, Others};
use crate::sink::Sink;
use crate::source::{Partition, SourceError};
use crate::train::arithmetic;

/// A run that was created or resumed.
pub(in crate::job) struct OpenedRun {
    pub(in crate::job) state: StateDirectory,
    pub(in crate::job) catalog: Catalog,
    pub(in crate::job) run: RunRecord,
    /// SHA-256 of the pipeline with which it was created.
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

/// Opens the state directory of a pipeline's run. Creates a run if there is none, unless others have
/// published to its destination.
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
                // several processes cannot reopen it by themselves.
                return if options.cluster.is_single() {
                    resume_with(pipeline, state, catalog, &json)
                } else {
                    resume(pipeline, state)
                };
            }
            // a failed start leaves nothing behind.
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
    let run = RunRecord {
        id,
        pipeline: current.clone(),
        current,
        adopted,
        complete: false,
        arithmetic: Some(arithmetic()),
    };
    new(pipeline, state, run)
}

/// The first of the state directories next to each other.
pub(in crate::job) fn default_directory(pipeline: &Pipeline, options: &Options) -> PathBuf {
    options.state.clone().unwrap_or_else(|| Path::new(".driftmill").join(&pipeline.name))
}

fn place(pipeline: &Pipeline, options: &Options) -> PathBuf {
    let (named, path) = (options.state.clone(), default_directory(pipeline, options));
    match (options.others, named) {
        (Others::Ignore, _) => StateDirectory::unused(&path),
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
    // shadows may have been added and removed since the first start.
    let mut keys = changed(&first?, json);
    keys.retain(|key| !key.starts_with("shadow."));
    keys.extend(changed(&last?, json).into_iter().filter(|key| key.starts_with("shadow.")));
    if !keys.is_empty() {
        return Err(StateError::Changed { path: state.path().to_owned(), keys }.into());
    }
    let arithmetic = arithmetic();
    if let Some(before) = run.arithmetic.as_ref().filter(|before| **before != arithmetic) {
        tracing::warn!(
            "the run was last started on a processor with {before}, this one has {arithmetic}: the last \
             bits of further trainings can differ from those of an undisturbed run"
        );
    }
    catalog.set_started(&json.to_string(), &arithmetic)?;
    let mut partitions = catalog.partitions()?;
    pipeline.source.check_known(&partitions)?;
    if run.complete {
        // the stream may have grown since the run reached its end.
        extend(&mut partitions, pipeline)?;
    }
    if partitions.iter().all(|partition| partition.end.is_some()) {
        // an endless stream notices new partitions while it is read.
        add_new(&mut partitions, pipeline);
    }
    catalog.set_partitions(&partitions)?;
    catalog.set_complete(false)?;
    let pipeline_digest = digest(&run.pipeline);
    tracing::info!("resuming run {} in `{}`", run.id, state.path().display());
    Ok(OpenedRun { state, catalog, run, pipeline_digest, partitions })
}

/// Opens the run in `state` again, with the current partitions of its stream.
fn resume(pipeline: &Pipeline, state: StateDirectory) -> anyhow::Result<OpenedRun> {
    let mut catalog = Catalog::open(&state.catalog())?;
    let json = serde_json::to_value(pipeline).expect("a pipeline is plain data");
    let mut partitions = catalog.partitions()?;
    add_new(&mut partitions, pipeline);
    catalog.set_partitions(&partitions)?;
    resume_with(pipeline, state, catalog, &json)
}

/// Adds the partitions that the stream has got since.
fn add_new(partitions: &mut Vec<Partition>, pipeline: &Pipeline) {
    match pipeline.source.added(partitions) {
        Ok(added) => partitions.extend(added),
        // they will be noticed again.
        Err(error) => tracing::warn!("looking for new partitions: {error}"),
    }
}

/// Moves the ends of partitions to their current values.
fn extend(partitions: &mut [Partition], pipeline: &Pipeline) -> Result<(), SourceError> {
    let now = pipeline.source.resolve()?;
    for partition in partitions {
        let same = |other: &&Partition| {
            (&other.topic, other.partition) == (&partition.topic, partition.partition)
        };
        if let Some(found) = now.iter().find(same) {
            pipeline.source.extend(partition, found);
        }
    }
    Ok(())
}

fn digest(json: &str) -> String {
    use sha2::Digest;
    hex::encode(sha2::Sha256::digest(json.as_bytes()))
}
