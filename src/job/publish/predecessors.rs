//! Versions that earlier runs published, and how a new run treats them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;

use crate::outage::CancellationToken;
use crate::sink::{Published, Sink, SinkConfig, SinkError, SinkTable};

/// How a new run treats versions that other runs published under its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Others {
    /// It does not start.
    #[default]
    Refuse,
    /// It publishes next to them.
    Ignore,
    /// It makes the newest run's versions again, and publishes what is missing.
    Adopt,
}

/// Decides about what other runs than `run` published; returns the run that is adopted.
///
/// # Errors
/// When there are versions and no option says how to treat them.
pub fn decide(
    sinks: &mut [(&'static str, Box<dyn Sink>)],
    run: &str,
    others: Others,
) -> anyhow::Result<Option<String>> {
    let mut adopted = None;
    for (key, sink) in sinks {
        if others == Others::Ignore {
            continue;
        }
        let found = sink.published(None).with_context(|| format!("sink.{key}"))?;
        let found: Vec<Published> = found.into_iter().filter(|there| there.run != run).collect();
        let Some(newest) = found.last() else { continue };
        if others == Others::Refuse {
            let (count, Published { run, version, .. }) = (found.len(), newest);
            let plural = if count == 1 { "" } else { "s" };
            return Err(Occupied(format!(
                "sink.{key} holds {count} version{plural} by other runs, the newest is version \
                 {version} of run `{run}`\n\
                 hint: to go on with that run, name its state directory with --state; --fresh \
                 publishes a new run beside it; --adopt makes its versions again, compares their \
                 digests and publishes what is missing"
            ))
            .into());
        }
        adopted.get_or_insert_with(|| newest.run.clone());
    }
    Ok(adopted)
}

/// Versions of other runs are in the way.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Occupied(String);

/// Versions by number, with their digests.
pub type Digests = BTreeMap<u64, String>;

/// The versions of a run before it publishes.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The run.
    pub run: String,
    /// Its versions, as far as they are made.
    pub made: Digests,
    /// The run whose versions count as its own.
    pub adopted: Option<String>,
}

impl Known {
    /// Compares what was found with what was made; of what was `published` before there is no need
    /// to find it.
    ///
    /// # Errors
    /// When a version that is there has another digest than the one that was made.
    pub(in crate::job) fn compare(
        &self,
        found: Vec<Published>,
        published: &BTreeSet<u64>,
    ) -> Result<There, SinkError> {
        let ours = |run: &str| run == self.run || self.adopted.as_deref() == Some(run);
        let ours = found.into_iter().filter(|there| ours(&there.run));
        let mut there = There(ours.map(|there| (there.version, there.sha256)).collect());
        for (version, sha256) in &self.made {
            there.compare(*version, sha256)?;
            if published.contains(version) {
                there.0.insert(*version, sha256.clone());
            }
        }
        Ok(there)
    }
}

/// Versions that are in a sink already.
pub(in crate::job) struct There(Digests);

impl There {
    /// Whether a version is there.
    ///
    /// # Errors
    /// When it is, with another digest.
    pub(in crate::job) fn has(&self, wanted: &Published) -> Result<bool, SinkError> {
        self.compare(wanted.version, &wanted.sha256)
    }

    /// Whether all that is there comes before `version`.
    pub(in crate::job) fn is_behind(&self, version: u64) -> bool {
        self.0.keys().all(|there| *there <= version)
    }

    fn compare(&self, version: u64, made: &str) -> Result<bool, SinkError> {
        match self.0.get(&version) {
            Some(there) if there != made => {
                Err(SinkError::Conflict { version, there: there.clone(), made: made.to_owned() })
            }
            there => Ok(there.is_some()),
        }
    }
}

/// Opens a pipeline's sinks for `model`.
pub(in crate::job) fn open(
    table: &SinkTable,
    model: &str,
    stop: &CancellationToken,
) -> anyhow::Result<Vec<(&'static str, Box<dyn Sink>)>> {
    let open = |(key, sink): (&'static str, &dyn SinkConfig)| {
        let opened = sink.open(model, stop).with_context(|| format!("opening sink.{key}"))?;
        Ok((key, opened))
    };
    table.named().into_iter().map(open).collect()
}
