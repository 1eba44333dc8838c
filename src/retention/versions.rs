//! Old versions, and the reasons to keep them nevertheless.

use std::ops::ControlFlow;

use driftmill_operators::Position;

use super::retained_samples::BranchProgress;
use super::{Subject, VersionRetention};
use crate::catalog::{Catalog, CatalogError, VersionPlace};

/// An old version.
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

/// The old versions of a branch that still have weights, the oldest first. No version is queried for
/// positions before `asked`. Without it, any version can be queried.
///
/// Weights are removed in the order of versions. Versions are therefore read from the newest on, up to the
/// first one that has expired and whose weights were removed.
pub(super) fn old(
    retention: &VersionRetention,
    subject: &Subject<'_>,
    progress: &BranchProgress,
    asked: Option<Position>,
) -> Result<Vec<OldVersion>, CatalogError> {
    let branch = &*progress.branch;
    let Some(newest) = newest(subject.catalog, branch)? else { return Ok(Vec::new()) };
    let oldest = retention.age.map_or(i64::MAX, |age| newest.time.saturating_sub(age.millis()));
    let sinks = if branch.is_empty() { subject.sinks } else { &[] };
    let published = published(subject.catalog, sinks)?;
    let needed = needed(subject.catalog, progress, asked)?;
    let why = |version: u64| {
        let lacks = published.iter().find(|(_, newest)| *newest < Some(version));
        match lacks {
            Some((sink, _)) => Some(format!("sink.{sink} does not have it yet")),
            None if asked.is_none() => {
                Some("labels may come for samples that it scores".to_owned())
            }
            None if version >= needed => Some("a restart may load it".to_owned()),
            None => None,
        }
    };
    let store = (subject.store)(branch);
    let mut old = Vec::new();
    subject.catalog.version_places(branch, retention.keep.get(), |place| {
        let version = place.version;
        if place.time >= oldest {
            return Ok(ControlFlow::Continue(()));
        }
        match store.bytes_of(version) {
            Some(bytes) => {
                let (branch, kept) = (branch.to_owned(), why(version));
                old.push(OldVersion { branch, version, bytes, kept });
            }
            None if subject.catalog.is_expired(branch, version)? => {
                return Ok(ControlFlow::Break(()));
            }
            None => {}
        }
        Ok(ControlFlow::Continue(()))
    })?;
    old.reverse();
    Ok(old)
}

/// The newest version of a branch.
fn newest(catalog: &Catalog, branch: &str) -> Result<Option<VersionPlace>, CatalogError> {
    let mut newest = None;
    catalog.version_places(branch, 0, |place| {
        newest = Some(place);
        Ok(ControlFlow::Break(()))
    })?;
    Ok(newest)
}

/// The newest version that each sink has. Versions are published in their order.
fn published<'a>(
    catalog: &Catalog,
    sinks: &[&'a str],
) -> Result<Vec<(&'a str, Option<u64>)>, CatalogError> {
    sinks.iter().map(|sink| Ok((*sink, catalog.outbox(sink)?.newest))).collect()
}

/// The first version that the evaluation, a shadow or a restart may still load.
fn needed(
    catalog: &Catalog,
    progress: &BranchProgress,
    asked: Option<Position>,
) -> Result<u64, CatalogError> {
    let asked = asked.unwrap_or(Position::MIN);
    let next = progress.record.next_trigger();
    // irreducible-loss models have no trigger policy: they are recorded with their outcomes.
    let all_past = progress.record.checkpoint.is_none();
    let (mut active, mut past) = (None, None);
    catalog.version_places(&progress.branch, 0, |place| {
        if place.end <= asked {
            active.get_or_insert(place.version);
        }
        if all_past || place.trigger < next {
            past.get_or_insert(place.version);
        }
        // without a position, all versions are needed.
        let found = active.and(past).is_some() || asked == Position::MIN;
        Ok(if found { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    Ok(active.unwrap_or(0).min(past.unwrap_or(0)))
}
