use std::collections::BTreeSet;

use driftmill_operators::Position;

use super::retained_samples::Stands;
use super::{Subject, VersionRetention};
use crate::catalog::{Catalog, CatalogError};

/// A version that is old.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldVersion {
    /// Empty for the pipeline's own, else the name of the comparison.
    pub branch: String,
    /// Its number.
    pub version: u64,
    /// Size of its weights.
    pub bytes: u64,
    /// Why its weights are kept nevertheless.
    pub kept: Option<String>,
}

/// A version that was made.
struct Made {
    version: u64,
    /// Position time of its decision.
    time: i64,
    /// Where it took effect.
    end: Position,
    /// Whether recovery has it behind itself.
    past: bool,
}

/// The old versions of a branch whose weights are there; about what comes before `asked` no version
/// is asked any more, if that can be said of anything.
pub(super) fn old(
    retention: &VersionRetention,
    subject: &Subject<'_>,
    stands: &Stands,
    asked: Option<Position>,
) -> Result<Vec<OldVersion>, CatalogError> {
    let made = made(stands);
    let Some(newest) = made.last().map(|made| made.time) else { return Ok(Vec::new()) };
    let oldest = retention.age.map_or(i64::MAX, |age| newest.saturating_sub(age.millis()));
    let surplus = made.len().saturating_sub(retention.keep.get() as usize);
    let sinks = if stands.branch.is_empty() { subject.sinks } else { &[] };
    let published = published(subject.catalog, sinks)?;
    let needed = needed(&made, asked);
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

fn made(stands: &Stands) -> Vec<Made> {
    let next = stands.record.next_trigger();
    let made = stands.record.decisions.iter().filter_map(|record| {
        let decided = &record.decided;
        Some(Made {
            version: record.outcome.as_ref()?.version?,
            time: decided.position.time(),
            end: decided.end(),
            // what has no policy of its own is recorded when all of it is over.
            past: decided.trigger < next || stands.record.standing.is_none(),
        })
    });
    made.collect()
}

/// What each sink has.
fn published<'a>(
    catalog: &Catalog,
    sinks: &[&'a str],
) -> Result<Vec<(&'a str, BTreeSet<u64>)>, CatalogError> {
    sinks.iter().map(|sink| Ok((*sink, catalog.outbox(sink)?.versions))).collect()
}

/// The first version that the evaluation, a shadow or recovery may still load.
fn needed(made: &[Made], asked: Option<Position>) -> u64 {
    let version = |made: Option<&Made>| made.map_or(0, |made| made.version);
    let asked = asked.unwrap_or(Position::MIN);
    let active = made.iter().rfind(|made| made.end <= asked);
    version(active).min(version(made.iter().rfind(|made| made.past)))
}
