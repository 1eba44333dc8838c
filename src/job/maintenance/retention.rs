use std::sync::atomic::Ordering;

use crate::catalog::{Catalog, ModelStore};
use crate::job::Context;
use crate::retention::{Keys, Needs, Plan, Subject};

impl Context {
    /// Removes what is old and nothing can ask for any more, if anything was recorded since this was
    /// done last; on a view of the catalog, for which nobody has to wait.
    pub(in crate::job) fn retain(&self) -> anyhow::Result<()> {
        let retention = &self.pipeline.retention;
        if retention.keeps_all() || !self.recorded.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        let catalog = Catalog::view(&self.coordinator().state.catalog())?;
        let keys = match self.pipeline.source.keyed() {
            None => Keys::None,
            Some(keyed) if keyed.labels => Keys::Labels,
            // what keys mean takes a look at the whole log, which is not for a job that runs.
            Some(_) => Keys::Unknown,
        };
        let named = self.pipeline.sink.named();
        let sinks: Vec<&str> = named.iter().map(|(key, _)| *key).collect();
        let subject = Subject {
            retention,
            catalog: &catalog,
            log: &self.log,
            needs: &Needs::of(&catalog, self.pipeline.policies())?,
            keys: &keys,
            sinks: &sinks,
            store: &|branch| ModelStore::of(self.coordinator().state.path(), branch),
        };
        let plan = Plan::of(&subject)?;
        if plan.is_empty() {
            return Ok(());
        }
        plan.apply(&subject, |segments, versions| self.catalog().remove(segments, versions))?;
        let (segments, versions) =
            (plan.expired_segments().count(), plan.expired_versions().count());
        tracing::debug!(segments, versions, "removed what was old");
        Ok(())
    }
}
