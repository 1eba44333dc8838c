//! Applies retention to a running job.

use std::path::Path;

use crate::catalog::{Catalog, ModelStore};
use crate::job::Context;
use crate::retention::{Keys, Needs, Plan, Subject};

/// Removes old data that no policy can ask for any more.
///
/// # Errors
/// When the catalog or a file cannot be read or written.
pub(in crate::job) fn retain(
    context: &Context,
    view: &Catalog,
    state: &Path,
    catalog: &mut Catalog,
) -> anyhow::Result<()> {
    let keys = match context.pipeline.source.keyed() {
        None => Keys::None,
        Some(keyed) if keyed.labels => Keys::Labels,
        // resolving keys needs a scan of the whole log, which would delay a running job.
        Some(_) => Keys::Unknown,
    };
    let named = context.pipeline.sink.named();
    let sinks: Vec<&str> = named.iter().map(|(key, _)| *key).collect();
    let subject = Subject {
        retention: &context.pipeline.retention,
        catalog: view,
        log: &context.log,
        needs: &Needs::of(view, context.pipeline.policies())?,
        keys: &keys,
        sinks: &sinks,
        store: &|branch| ModelStore::of(state, branch),
    };
    let plan = Plan::of(&subject)?;
    if plan.is_empty() {
        return Ok(());
    }
    plan.apply(&subject, |segments, versions| catalog.remove(segments, versions))?;
    let (segments, versions) = (plan.expired_segments().count(), plan.expired_versions().count());
    tracing::debug!(segments, versions, "removed expired data");
    Ok(())
}
