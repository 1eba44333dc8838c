//! The rows of a key, to be erased together.

use std::collections::BTreeSet;

use driftmill_operators::Id;
use roaring::RoaringTreemap;

use super::OldSegment;
use super::retained_samples::count;
use crate::store::SegmentSummary;

/// What keys mean for the log's rows.
#[derive(Clone, Debug)]
pub enum Keys {
    /// Samples have no keys.
    None,
    /// Samples replace and delete each other: what of them is gone.
    Known(Retractions),
    /// That was not looked at: nothing of the log goes.
    Unknown,
    /// Labels arrive separately.
    Labels,
}

/// Samples of keyed topics that are gone, as of where every policy has seen them go.
#[derive(Clone, Debug, Default)]
pub struct Retractions {
    /// Each with the row that took it back.
    pub by: Vec<(Id, Id)>,
    /// Those that were deleted; others took the places of the rest.
    pub deleted: RoaringTreemap,
}

impl Retractions {
    /// Keeps of the `old` segments those that still have a say about keys, beside the `rest`.
    pub(super) fn keep_what_counts(&self, old: &mut [OldSegment], rest: &[SegmentSummary]) {
        let gone: RoaringTreemap = self.by.iter().map(|(gone, _)| gone.0).collect();
        for segment in old.iter_mut() {
            let there = segment.summary.counts.samples - count(&gone, &segment.summary.ends);
            if there > 0 {
                let text = format!("{there} of its samples are the newest of their keys");
                segment.kept.get_or_insert(text);
            }
        }
        // who took samples back goes after them, or they would be there again.
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

/// Where rows are: first and last id, and the number of the segment; those of the `rest` follow.
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
