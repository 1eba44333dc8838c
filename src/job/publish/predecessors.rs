//! Versions that earlier runs published, and their treatment by a new run.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context as _;

use crate::catalog::{Catalog, Outbox};
use crate::outage::CancellationToken;
use crate::sink::{Published, Sink, SinkConfig, SinkError, SinkTable};

/// The treatment of versions that other runs published under this name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Others {
    /// The run does not start.
    #[default]
    Refuse,
    /// The run publishes next to them.
    Ignore,
    /// The run makes the newest run's versions again and publishes the missing ones.
    Adopt,
}

/// Decides on versions that runs other than `run` published. Returns the run that is adopted.
///
/// # Errors
/// When there are such versions and no option defines their treatment.
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
                 hint: to resume that run, name its state directory with --state; --fresh \
                 publishes a new run next to it; --adopt trains its versions again, compares \
                 their digests and publishes the missing ones"
            ))
            .into());
        }
        adopted.get_or_insert_with(|| newest.run.clone());
    }
    Ok(adopted)
}

/// The error if versions of other runs exist.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Occupied(String);

/// Versions by number, with their digests.
pub type Digests = BTreeMap<u64, String>;

/// The run whose versions are published.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The run.
    pub run: String,
    /// The run whose versions count as its own.
    pub adopted: Option<String>,
    /// The file of its catalog.
    pub catalog: PathBuf,
}

impl Known {
    /// Compares the versions that were found in a sink with those that the run has made. Versions that are
    /// recorded in `outbox` need not be found.
    ///
    /// # Errors
    /// When a version that was found has another digest than the one that was made, or the catalog cannot
    /// be read.
    pub(in crate::job) fn compare(
        &self,
        found: Vec<Published>,
        outbox: &Outbox,
    ) -> anyhow::Result<PublishedVersions> {
        let ours = |run: &str| run == self.run || self.adopted.as_deref() == Some(run);
        let ours = found.into_iter().filter(|there| ours(&there.run));
        let found: Digests = ours.map(|there| (there.version, there.sha256)).collect();
        let there = PublishedVersions { found, newest: outbox.newest };
        if there.found.is_empty() {
            return Ok(there);
        }
        let catalog = Catalog::view(&self.catalog)?;
        for version in there.found.keys() {
            if let Some(made) = catalog.digest("", *version)? {
                there.compare(*version, &made)?;
            }
        }
        Ok(there)
    }
}

/// Versions that a sink already has.
pub(in crate::job) struct PublishedVersions {
    /// Those that were read back.
    found: Digests,
    /// The newest recorded one.
    newest: Option<u64>,
}

impl PublishedVersions {
    /// Whether a version was found in the sink.
    ///
    /// # Errors
    /// When it is there with another digest.
    pub(in crate::job) fn has(&self, wanted: &Published) -> Result<bool, SinkError> {
        self.compare(wanted.version, &wanted.sha256)
    }

    /// Whether all versions in the sink are before `version`.
    pub(in crate::job) fn is_behind(&self, version: u64) -> bool {
        let last = self.found.last_key_value().map(|(last, _)| *last);
        last.max(self.newest) <= Some(version)
    }

    fn compare(&self, version: u64, made: &str) -> Result<bool, SinkError> {
        match self.found.get(&version) {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn published(version: u64) -> Published {
        Published { run: "a".to_owned(), version, sha256: version.to_string() }
    }

    #[test]
    fn a_bookmark_waits_for_all_found_versions() {
        let outbox = Outbox { newest: Some(3), bookmark: None };
        let found = [4, 6].map(|version| (version, version.to_string())).into();
        let there = PublishedVersions { found, newest: outbox.newest };
        assert!(there.has(&published(4)).unwrap() && !there.has(&published(5)).unwrap());
        let other = Published { sha256: "0".to_owned(), ..published(6) };
        assert!(matches!(there.has(&other), Err(SinkError::Conflict { version: 6, .. })));
        assert_eq!(
            [4, 5, 6, 7].map(|version| there.is_behind(version)),
            [false, false, true, true]
        );
        let none = Known::default().compare(vec![published(9)], &outbox).unwrap();
        assert!(!none.has(&published(9)).unwrap(), "it belongs to another run");
        assert!(none.is_behind(3) && !none.is_behind(2));
    }
}
