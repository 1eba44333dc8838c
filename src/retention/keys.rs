//! The rows of a key, to be erased together.

use std::collections::BTreeSet;

use driftmill_operators::Id;
use roaring::RoaringTreemap;

use super::OldSegment;
use super::retained_samples::count;
use crate::store::SegmentSummary;

/// The meaning of keys for the rows of the log.
#[derive(Clone, Debug)]
pub enum Keys {
    /// Samples have no keys.
    None,
    /// Samples replace and delete each other; these are retracted.
    Known(Retractions),
    /// Retracted samples were not determined, so nothing of the log is removed.
    Unknown,
    /// Labels arrive separately.
    Labels,
}

/// Retracted samples of keyed topics whose retraction every policy has seen.
#[derive(Clone, Debug, Default)]
pub struct Retractions {
    /// Each sample with the row that retracted it.
    pub by: Vec<(Id, Id)>,
    /// The deleted samples; the others were replaced.
    pub deleted: RoaringTreemap,
}

impl Retractions {
    /// Keeps the `old` segments that determine keys, given the `rest` of the log.
    pub(super) fn keep_what_counts(&self, old: &mut [OldSegment], rest: &[SegmentSummary]) {
        let gone: RoaringTreemap = self.by.iter().map(|(gone, _)| gone.0).collect();
        for segment in old.iter_mut() {
            let there = segment.summary.counts.samples - count(&gone, &segment.summary.ends);
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
            .map(|(gone, by)| (place(&places, *gone), place(&places, *by)))
            .filter(|(gone, by)| gone != by && *by < old.len())
            .collect();
        let goes =
            |old: &[OldSegment], at: usize| old.get(at).is_some_and(|old| old.kept.is_none());
        while let Some((gone, by)) =
            pairs.iter().find(|(gone, by)| !goes(old, *gone) && goes(old, *by))
        {
            let newer = rest.first().map_or("", |segment| &segment.name);
            let name = old.get(*gone).map_or(newer, |segment| &segment.summary.name);
            let text =
                format!("it took samples back that are in segments that are kept, as in {name}");
            old[*by].kept = Some(text);
        }
    }
}

/// First and last id, and number of the segment, of each partition's part of a segment; those of the
/// `rest` follow.
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
