//! Random draws whose results do not depend on the order of samples.

use std::collections::BTreeMap;
use std::ops::Range;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::pool::Sample;
use super::{Candidate, Choice, Group, Proposal};
use crate::Position;

/// The pseudo-random rank of a sample for `seed`.
pub(super) fn rank(seed: u64, position: Position) -> u64 {
    xxh3_64_with_seed(&position.id().0.to_le_bytes(), seed)
}

/// The seed of one trigger. Draws of different triggers are independent.
pub(super) fn seed_of(seed: u64, trigger: u64) -> u64 {
    seed ^ trigger.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

impl Sample {
    fn candidate(&self, rank: u64) -> Candidate {
        Candidate { position: self.position, label: self.label, weight: 1.0, rank }
    }
}

/// Proposes the `most` samples of the smallest ranks; all samples without a limit.
pub(super) fn propose(
    trigger: u64,
    samples: &[Sample],
    most: Option<usize>,
    rank: impl Fn(&Sample) -> u64,
) -> Proposal {
    let available = samples.len() as u64;
    let most = most.filter(|most| *most < samples.len());
    let candidates = match most {
        None => samples.iter().map(|sample| sample.candidate(rank(sample))).collect(),
        Some(most) => {
            let ranks: Vec<u64> = samples.iter().map(rank).collect();
            let least = smallest(&mut ranks.clone(), most);
            let below = samples.iter().zip(&ranks).filter(|(_, rank)| Some(**rank) <= least);
            below.map(|(sample, rank)| sample.candidate(*rank)).collect()
        }
    };
    Proposal { trigger, available, candidates, ..Proposal::default() }
}

/// Proposes samples of each group separately. `most` computes the limit from the sizes of the groups.
pub(super) fn propose_groups(
    trigger: u64,
    samples: &[Sample],
    most: impl Fn(&[usize]) -> usize,
    group: impl Fn(&Sample) -> u64,
    rank: impl Fn(&Sample) -> u64,
) -> Proposal {
    let mut ranks: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for sample in samples {
        ranks.entry(group(sample)).or_default().push(rank(sample));
    }
    let sizes: Vec<usize> = ranks.values().map(Vec::len).collect();
    let most = most(&sizes);
    let mut all = Proposal { trigger, available: samples.len() as u64, ..Proposal::default() };
    // samples that are not proposed are not copied.
    let bounds = ranks.into_iter().map(|(key, mut ranks)| {
        let size = ranks.len();
        let bound = if most < size { smallest(&mut ranks, most) } else { Some(u64::MAX) };
        (key, (bound, Vec::with_capacity(size.min(most))))
    });
    let mut members: BTreeMap<u64, (Option<u64>, Vec<Candidate>)> = bounds.collect();
    for sample in samples {
        let rank = rank(sample);
        if let Some((bound, members)) = members.get_mut(&group(sample))
            && Some(rank) <= *bound
        {
            members.push(sample.candidate(rank));
        }
    }
    all.candidates.reserve_exact(members.values().map(|(_, members)| members.len()).sum());
    for (key, (_, mut members)) in members {
        all.groups.push(Group { key, candidates: members.len(), below: u64::MAX });
        all.candidates.append(&mut members);
    }
    all
}

/// The `most`-th smallest rank. There must be more ranks than `most`.
fn smallest(ranks: &mut [u64], most: usize) -> Option<u64> {
    let last = most.checked_sub(1)?;
    Some(*ranks.select_nth_unstable(last).1)
}

/// The candidates of one group in all partitions.
pub(super) struct Members<'a> {
    candidates: &'a [Candidate],
    ranges: Vec<Range<usize>>,
    below: u64,
    /// Number of candidates.
    pub(super) count: usize,
}

impl Members<'_> {
    fn all(&self) -> impl Iterator<Item = &Candidate> {
        let within = |candidate: &&Candidate| self.below == u64::MAX || candidate.rank < self.below;
        self.ranges.iter().flat_map(|range| &self.candidates[range.clone()]).filter(within)
    }

    /// Adds the `most` candidates of the smallest ranks to `rows`; ties go to the first positions.
    pub(super) fn take(&self, most: usize, rows: &mut Vec<Candidate>) {
        let mut ranks: Vec<u64> = self.all().map(|candidate| candidate.rank).collect();
        if most >= ranks.len() {
            return rows.extend(self.all());
        }
        let Some(last) = smallest(&mut ranks, most) else { return };
        rows.extend(self.all().filter(|candidate| candidate.rank < last));
        let equal = ranks[..most].iter().filter(|rank| **rank == last).count();
        let mut ties: Vec<&Candidate> = self.all().filter(|tie| tie.rank == last).collect();
        ties.sort_unstable_by_key(|tie| tie.position);
        rows.extend(ties.into_iter().take(equal));
    }
}

/// The candidates of a proposal by group; a proposal without groups is group 0.
pub(super) fn by_group(proposal: &Proposal) -> BTreeMap<u64, Members<'_>> {
    let candidates = &proposal.candidates[..];
    let whole = [Group { key: 0, candidates: candidates.len(), below: u64::MAX }];
    let groups = if proposal.groups.is_empty() { &whole[..] } else { &proposal.groups };
    let (mut members, mut begun) = (BTreeMap::new(), 0);
    for group in groups {
        let end = begun + group.candidates;
        let of = members.entry(group.key).or_insert_with(|| Members {
            candidates,
            ranges: Vec::new(),
            below: u64::MAX,
            count: 0,
        });
        of.ranges.push(begun..end);
        of.below = of.below.min(group.below);
        of.count += group.candidates;
        begun = end;
    }
    members
}

/// The `most` candidates of the smallest ranks of a proposal without groups.
pub(super) fn choose(proposal: &Proposal, most: usize) -> Choice {
    let mut rows = Vec::new();
    by_group(proposal).values().for_each(|members| members.take(most, &mut rows));
    in_order(rows)
}

/// The chosen rows, in the order of positions.
pub(super) fn in_order(mut rows: Vec<Candidate>) -> Choice {
    // a stable sort is fast here: the rows of each partition and group are already in order.
    rows.sort_by_key(|row| row.position);
    rows.into()
}
