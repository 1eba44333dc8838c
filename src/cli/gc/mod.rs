//! The `gc` command: removes expired data and erases samples.

mod erase;
mod report;

use std::path::PathBuf;

use clap::Args;

use self::report::Report;
use super::output::print;
use crate::catalog::{Catalog, ModelStore};
use crate::history::{History, HistoryError};
use crate::job::{StateDirectory, Upload, remove_expired_objects};
use crate::retention::{Erasure, Keys, Needs, Plan, Subject};
use crate::store::Log;

#[derive(Debug, Args)]
pub(super) struct Gc {
    /// State directory of a stopped run
    #[arg(value_name = "DIR")]
    state: PathBuf,
    /// Report what would be removed, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Also overwrite the features of replaced and deleted samples in segments that stay
    #[arg(long)]
    erase: bool,
    /// With --erase: also overwrite the features of this sample
    #[arg(long, value_name = "TOPIC/PARTITION/OFFSET", requires = "erase")]
    sample: Vec<String>,
    /// Answer with one JSON object on stdout
    #[arg(long)]
    json: bool,
}

impl Gc {
    pub(super) fn execute(self) -> anyhow::Result<u8> {
        if !self.state.join("catalog.sqlite").exists() {
            return Err(HistoryError::NoRun(self.state).into());
        }
        let state = StateDirectory::open(&self.state)?;
        let history = History::open(state.path())?;
        let (log, catalog) = (&history.log, &history.catalog);
        let needs = Needs::of(catalog, history.current.policies())?;
        let keys = self.keys(&history, &needs)?;
        let named = history.current.sink.named();
        let subject = Subject {
            retention: &history.current.retention,
            catalog,
            log,
            needs: &needs,
            keys: &keys,
            sinks: &named.iter().map(|(key, _)| *key).collect::<Vec<_>>(),
            store: &|branch| ModelStore::of(state.path(), branch),
        };
        let plan = Plan::of(&subject)?;
        let keep = history.current.retention.trigger_evaluations.keep.get();
        let trigger_evaluations = history.catalog.surplus_trigger_evaluations(keep)?;
        let mut erasure = Erasure::default();
        if self.erase {
            erasure = erase::erasure(&history, &needs, &self.sample)?;
            // samples of expired segments need no erasing.
            plan.expired_segments()
                .for_each(|segment| drop(erasure.segments.remove(&segment.name)));
        }
        let expired: Vec<_> = plan.expired_segments().map(|segment| &segment.name).collect();
        let mut remote = Vec::new();
        if let Some(tier) = &history.current.store.tier {
            remote = log.ended_not_uploaded(tier.age);
            // segments that are rewritten are uploaded by the next call.
            remote.retain(|name| !expired.contains(&name) && !erasure.segments.contains_key(name));
        }
        if !self.dry_run {
            // opening the log removes files that a crash left of expired or undurable segments.
            Log::open(&state.path().join("log"), log.schema().clone(), &catalog.segments()?)?;
            let mut catalog = Catalog::open(&state.catalog())?;
            if !plan.is_empty() {
                plan.apply(&subject, |segments, versions| catalog.remove(segments, versions))?;
            }
            catalog.remove_trigger_evaluations(keep)?;
            erasure.apply(log, |name, copy, samples| catalog.erase(name, copy, samples))?;
            Self::upload_all(&history, &remote, catalog)?;
        }
        let report = Report {
            plan: &plan,
            erasure: &erasure,
            remote: &remote,
            trigger_evaluations,
            dry_run: self.dry_run,
            history: &history,
        };
        print(&if self.json { report.object().to_string() } else { report.text() })
    }

    /// Uploads segments to the object store, and removes objects of expired segments from it.
    fn upload_all(history: &History, names: &[String], mut catalog: Catalog) -> anyhow::Result<()> {
        let Some(tier) = &history.current.store.tier else {
            return remove_expired_objects(&mut catalog);
        };
        let log = history.log.clone().cached(Some(tier.cache), None);
        let run = history.catalog.run()?.id;
        let upload = Upload { tier, run: &run, log: &log, names: names.to_vec() };
        upload.run(&mut catalog, || false)
    }

    /// The keys of samples, as far as retention needs them.
    fn keys(&self, history: &History, needs: &Needs) -> Result<Keys, HistoryError> {
        Ok(match history.current.source.keyed() {
            None => Keys::None,
            Some(keyed) if keyed.labels => Keys::Labels,
            Some(_) if history.current.retention.log.is_none() => Keys::Unknown,
            Some(_) => Keys::Known(history.retracted(needs.resume_everywhere(&history.log))?),
        })
    }
}
