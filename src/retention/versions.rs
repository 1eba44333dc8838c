//! Versions that are old, and the reasons to keep them nevertheless.

use std::collections::BTreeSet;

use driftmill_operators::Position;

use super::retained_samples::Stands;
use super::{Subject, VersionRetention};
use crate::catalog::{Catalog, CatalogError, VersionPlace};

/// A version that is old.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldVersion {
    /// Empty for the pipeline's own, else the name of the comparison.
    pub branch: String,
    /// Its number.
    pub version: u64,
    /// Size of its weights.
    pub bytes: u64,
    /// The reason to keep its weights; none if they are removed.
    pub kept: Option<String>,
}

/// The old versions of a branch that still have weights. No version is asked about positions before
/// `asked`; without it any version can be asked.
pub(super) fn old(
    retention: &VersionRetention,
    subject: &Subject<'_>,
    stands: &Stands,
    asked: Option<Position>,
) -> Result<Vec<OldVersion>, CatalogError> {
    let made = subject.catalog.version_places(&stands.branch)?;
    let Some(newest) = made.last().map(|made| made.time) else { return Ok(Vec::new()) };
    let oldest = retention.age.map_or(i64::MAX, |age| newest.saturating_sub(age.millis()));
    let surplus = made.len().saturating_sub(retention.keep.get() as usize);
    let sinks = if stands.branch.is_empty() { subject.sinks } else { &[] };
    let published = published(subject.catalog, sinks)?;
    let needed = needed(&made, stands, asked);
    let why = |version: u64| {
        let lacks = published.iter().find(|(_, there)| !there.contains(&version));
        match lacks {
            Some((sink, _)) => Some(format!("sink.{sink} does not have it yet")),
            None if asked.is_none() => {
                Some("labels may come for samples that it scores".to_owned())
            }
            None if version >= needed => Some("a restart may load it".to_owned()),
            None => None,
        }
    };
    let old = made[..surplus].iter().filter(|made| made.time < oldest);
    let store = (subject.store)(&stands.branch);
    let old = old.filter_map(|made| {
        Some(OldVersion {
            branch: stands.branch.clone(),
            version: made.version,
            bytes: store.bytes_of(made.version)?,
            kept: why(made.version),
        })
    });
    Ok(old.collect())
}

/// The versions that each sink has.
fn published<'a>(
    catalog: &Catalog,
    sinks: &[&'a str],
) -> Result<Vec<(&'a str, BTreeSet<u64>)>, CatalogError> {
    sinks.iter().map(|sink| Ok((*sink, catalog.outbox(sink)?.versions))).collect()
}

/// The first version that the evaluation, a shadow or a restart may still load.
fn needed(made: &[VersionPlace], stands: &Stands, asked: Option<Position>) -> u64 {
    let version = |made: Option<&VersionPlace>| made.map_or(0, |made| made.version);
    let asked = asked.unwrap_or(Position::MIN);
    let active = made.iter().rfind(|made| made.end <= asked);
    let next = stands.record.next_trigger();
    // irreducible-loss models have no trigger policy: they are recorded with their outcomes.
    let is_past = |made: &&VersionPlace| made.trigger < next || stands.record.checkpoint.is_none();
    version(active).min(version(made.iter().rfind(is_past)))
}
