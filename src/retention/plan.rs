//! The plan of retention: the segments and versions that have expired.

use driftmill_operators::{Id, Position};

use super::keys::Keys;
use super::retained_samples::count;
use super::{OldSegment, OldVersion, Subject, versions};
use crate::catalog::CatalogError;
use crate::store::SegmentSummary;

/// The old segments and versions, with reasons to keep them.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Segments of the log, the oldest first.
    pub segments: Vec<OldSegment>,
    /// Versions, branch after branch.
    pub versions: Vec<OldVersion>,
}

impl Plan {
    /// The plan for a run.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn of(subject: &Subject<'_>) -> Result<Self, CatalogError> {
        let mut versions = Vec::new();
        // a late label is scored by the version that was active at the time of its sample.
        let labels = matches!(subject.keys, Keys::Labels);
        if let Some(retention) = &subject.retention.versions {
            for progress in &subject.needs.branches {
                let streams = subject.log.streams().into_iter();
                let asked = (!labels).then(|| subject.needs.asked(progress, streams));
                versions.extend(versions::old(retention, subject, progress, asked)?);
            }
            for progress in &subject.needs.irreducible_models {
                // only the newest can be loaded again, to continue training.
                versions.extend(versions::old(retention, subject, progress, Some(Position::MAX))?);
            }
        }
        Ok(Self { segments: old_segments(subject), versions })
    }

    /// The segments to remove.
    pub fn expired_segments(&self) -> impl Iterator<Item = &SegmentSummary> {
        self.segments.iter().filter(|old| old.kept.is_none()).map(|old| &old.summary)
    }

    /// The versions whose weights are removed.
    pub fn expired_versions(&self) -> impl Iterator<Item = &OldVersion> {
        self.versions.iter().filter(|old| old.kept.is_none())
    }

    /// Whether nothing is removed.
    pub fn is_empty(&self) -> bool {
        self.expired_segments().next().is_none() && self.expired_versions().next().is_none()
    }
}

fn old_segments(subject: &Subject<'_>) -> Vec<OldSegment> {
    let mut segments = subject.log.segments();
    let old = match (&subject.retention.log, subject.keys) {
        (None, _) | (_, Keys::Unknown) => 0,
        (Some(retention), _) => retention.old(&segments),
    };
    // the rows of all partitions determine keys.
    let whole = subject.needs.last(subject.log);
    let rest = segments.split_off(old);
    let kept = |summary: SegmentSummary| {
        let again = |(_, last): &(Id, Id)| {
            let (from, branch) = match subject.keys {
                Keys::Known(_) => whole,
                _ => subject.needs.resume_at(last.stream()),
            };
            let first = subject.log.replays_from(last.stream(), from.time());
            first.is_none_or(|first| *last >= first).then_some(branch)
        };
        let again = summary.ends.iter().find_map(again);
        OldSegment { kept: reason(subject, &summary, again), summary }
    };
    let mut old: Vec<OldSegment> = segments.into_iter().map(kept).collect();
    if let Keys::Known(taken) = subject.keys {
        taken.keep_needed(&mut old, &rest);
    }
    old
}

/// The reason to keep a segment. `again` names the policy for which a restart reads it.
fn reason(subject: &Subject<'_>, segment: &SegmentSummary, again: Option<&str>) -> Option<String> {
    let needs = subject.needs;
    let [held, trained] = [&needs.held, &needs.in_training].map(|ids| count(ids, &segment.ends));
    if segment.growing {
        return Some("it is still being written".to_owned());
    }
    if matches!(subject.keys, Keys::Labels) {
        return Some("labels may come for its samples".to_owned());
    }
    match again {
        Some("") => return Some("a restart reads it again".to_owned()),
        Some(name) => return Some(format!("a restart reads it again for `{name}`")),
        None => {}
    }
    if held > 0 {
        return Some(format!("policies can reach {held} of its samples"));
    }
    (trained > 0).then(|| format!("{trained} of its samples are being trained on"))
}
