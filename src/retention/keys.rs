//! The rows of a key, which are removed together.

use std::collections::BTreeSet;

use driftmill_operators::Id;
use roaring::RoaringTreemap;

use super::OldSegment;
use super::retained_samples::count;
use crate::store::SegmentSummary;

/// The role of keys for the rows of the log.
#[derive(Clone, Debug)]
pub enum Keys {
    /// Samples have no keys.
    None,
    /// Samples replace and delete each other. Contains the retracted samples.
    Known(Retractions),
    /// Retracted samples were not determined, so no segment of the log is removed.
    Unknown,
    /// Labels arrive separately.
    Labels,
}

/// Retracted samples of keyed topics whose retractions every policy has observed.
#[derive(Clone, Debug, Default)]
pub struct Retractions {
    /// Each sample with the row that retracted it.
    pub by: Vec<(Id, Id)>,
    /// The deleted samples; the others were replaced.
    pub deleted: RoaringTreemap,
}

impl Retractions {
    /// Keeps those `old` segments that determine keys, given the `rest` of the log.
    pub(super) fn keep_needed(&self, old: &mut [OldSegment], rest: &[SegmentSummary]) {
        let retracted: RoaringTreemap = self.by.iter().map(|(retracted, _)| retracted.0).collect();
        for segment in old.iter_mut() {
            let there = segment.summary.counts.samples - count(&retracted, &segment.summary.ends);
            if there > 0 {
                let text = format!("{there} of its samples are the newest of their keys");
                segment.kept.get_or_insert(text);
            }
        }
        // a row that retracts a sample is removed after it; otherwise the sample would return.
        let places = places(old, rest);
        let pairs: BTreeSet<(usize, usize)> = self
            .by
            .iter()
            .map(|(retracted, by)| (place(&places, *retracted), place(&places, *by)))
            .filter(|(retracted, by)| retracted != by && *by < old.len())
            .collect();
        let goes =
            |old: &[OldSegment], at: usize| old.get(at).is_some_and(|old| old.kept.is_none());
        while let Some((retracted, by)) =
            pairs.iter().find(|(retracted, by)| !goes(old, *retracted) && goes(old, *by))
        {
            let newer = rest.first().map_or("", |segment| &segment.name);
            let name = old.get(*retracted).map_or(newer, |segment| &segment.summary.name);
            let text = format!("it retracted samples in segments that are kept, as in {name}");
            old[*by].kept = Some(text);
        }
    }
}

/// The first and last id, and the number of the segment, for each partition's part of a segment. Those of
/// the `rest` follow.
fn places(old: &[OldSegment], rest: &[SegmentSummary]) -> Vec<(Id, Id, usize)> {
    let all = old.iter().map(|segment| &segment.summary).chain(rest);
    let places = all.enumerate().flat_map(|(number, segment)| {
        segment.ends.iter().map(move |(first, last)| (*first, *last, number))
    });
    let mut places: Vec<(Id, Id, usize)> = places.collect();
    places.sort_unstable();
    places
}

fn place(places: &[(Id, Id, usize)], id: Id) -> usize {
    let at = places.partition_point(|(first, ..)| *first <= id);
    let place = at.checked_sub(1).map(|at| places[at]).filter(|(_, last, _)| id <= *last);
    place.map_or(usize::MAX, |(.., number)| number)
}
