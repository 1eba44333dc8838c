//! Class-balanced memory with exemplars.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::draw::{by_group, in_order, rank};
use super::partition::Partition;
use super::pool::Pool;
use super::reservoir::Reservoir;
use super::{Candidate, Choice, Group, Memory, Proposal, Selection, SelectionConfig};
use crate::{Change, Id, Kind};

pub(super) const EXAMPLE: &str = "per_class = 20";

/// The group of new samples, which are all chosen.
const NEW: u64 = 0;

/// The samples since the last trigger, and a memory with a fixed number of older samples of every class. It
/// is for class-incremental learning, where classes appear one after another: a version can still predict
/// classes that no longer appear.
///
/// The memory of a class is a uniform random choice of all earlier samples of the class, like a reservoir.
/// It consists of the samples with the smallest hash(seed, id). It therefore changes only when new samples
/// enter it, and does not depend on partitions. A sample leaves the memory when it is replaced or deleted
/// or when its label changes, and the sample with the next smallest hash takes its place. For this purpose
/// each partition holds twice the wanted number. If more than half of the held samples of a class are
/// retracted before others enter, the memory of the class is smaller until others have entered. The
/// remaining samples stay equally likely, except for one in as many as were seen.
///
/// # Herding
///
/// With `keep = "herding"` the memory of each class is larger: a pool of `pool` samples
/// ([`Choice::memory`]), from which a model chooses exemplars. At the start of a training, the host chooses
/// `per_class` samples of each class, whose mean embedding is nearest to that of the pool ([`exemplars`]).
/// It leaves out the rest of the pool. The embeddings are those of the version that is active at that time,
/// which is the result of the previous training. The exemplars are therefore those of iCaRL, which chooses
/// them at the end of a training, with two differences: they come from the pool instead of all earlier
/// samples, and they are chosen again for each training instead of shortening an earlier choice. Before the
/// first version there are no embeddings, and the exemplars are the first samples of each class in the
/// order of positions.
///
/// # Memory
///
/// Each partition holds at most 2 · `per_class` samples of each class (2 · `pool` with herding) and the
/// samples since the last trigger, at 32 bytes each.
///
/// [`exemplars`]: crate::downsampling::exemplars
///
/// Reference: J. S. Vitter, *Random sampling with a reservoir*, ACM TOMS 11 (1985); for the memory:
/// S.-A. Rebuffi, A. Kolesnikov, G. Sperl, C. H. Lampert, *iCaRL: Incremental Classifier and
/// Representation Learning*, CVPR (2017); with reservoirs: A. Chaudhry et al., *On Tiny Episodic
/// Memories in Continual Learning* (2019).
///
/// ```
/// use driftmill_operators::{Change, Id, Position, Record, selection::*};
/// let per_class = 3.try_into().unwrap();
/// let config = ClassMemory { per_class, keep: Exemplars::Reservoir, pool: None, seed: 0 };
/// let mut partition = config.init();
/// for class in 0..4u32 {
///     for i in 0..100 {
///         let id = Id(u64::from(class) * 100 + i);
///         let record = Record::new(Position::new(0, id), 0, 0, Some(class));
///         partition.observe(&Change::insert(record));
///     }
///     // the new samples, and three earlier ones of each class.
///     let rows = config.combine(partition.propose(class.into())).rows;
///     assert_eq!(rows.len() as u32, 100 + 3 * class);
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "Table")]
#[cfg_attr(feature = "schema", schemars(!try_from, deny_unknown_fields))]
pub struct ClassMemory {
    /// Number of remembered samples of each class.
    pub per_class: NonZeroUsize,
    /// The choice of the remembered samples of a class (default `reservoir`).
    #[serde(default)]
    pub keep: Exemplars,
    /// Number of samples of each class from which `keep = "herding"` chooses, at least `per_class` (default
    /// 10 · `per_class`). Only `herding` has a pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<NonZeroUsize>,
    /// Seed of the random choice (default 0).
    #[serde(default)]
    pub seed: u64,
}

/// The choice of the remembered samples of a class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Exemplars {
    /// A uniformly random choice.
    #[default]
    Reservoir,
    /// The samples whose mean embedding is nearest to that of a uniform random choice of `pool` samples.
    Herding,
}

/// A [`ClassMemory`] as it is written in pipeline files.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    per_class: NonZeroUsize,
    #[serde(default)]
    keep: Exemplars,
    pool: Option<NonZeroUsize>,
    #[serde(default)]
    seed: u64,
}

impl TryFrom<Table> for ClassMemory {
    type Error = String;

    fn try_from(table: Table) -> Result<Self, String> {
        let Table { per_class, keep, pool, seed } = table;
        match (keep, pool) {
            (Exemplars::Reservoir, Some(_)) => {
                Err("only keep = \"herding\" chooses from a pool".to_owned())
            }
            (Exemplars::Herding, Some(pool)) if pool < per_class => Err(format!(
                "wanted a pool of at least per_class = {per_class} samples of each class, not {pool}"
            )),
            _ => Ok(Self { per_class, keep, pool, seed }),
        }
    }
}

impl ClassMemory {
    /// Number of older samples of each class in a training set, including those that exemplars are chosen
    /// from.
    fn remembered(&self) -> usize {
        match self.keep {
            Exemplars::Reservoir => self.per_class.get(),
            Exemplars::Herding => {
                self.pool.map_or(self.per_class.get().saturating_mul(10), NonZeroUsize::get)
            }
        }
    }
}

impl SelectionConfig for ClassMemory {
    fn init(&self) -> Box<dyn Selection> {
        Box::new(Partition::<_, State>::new(self))
    }

    fn combine(&self, proposal: Proposal) -> Choice {
        let (mut rows, mut old) = (Vec::new(), Vec::new());
        for (key, members) in by_group(&proposal) {
            if key == NEW {
                members.take(usize::MAX, &mut rows);
            } else {
                members.take(self.remembered(), &mut old);
            }
        }
        let memory = (self.keep == Exemplars::Herding && !old.is_empty()).then(|| {
            let ids = in_order(old.clone()).rows.iter().map(Candidate::id).collect();
            Memory { per_class: self.per_class, ids }
        });
        rows.append(&mut old);
        Choice { memory, ..in_order(rows) }
    }
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct State {
    /// The samples since the last trigger.
    new: Pool,
    classes: BTreeMap<u32, Reservoir>,
}

impl Selection for Partition<ClassMemory, State> {
    fn observe(&mut self, change: &Change) {
        let position = change.record.position;
        let until_here = match change.kind {
            Kind::Retract => change.record.label,
            Kind::Label => change.before,
            Kind::Insert | Kind::Delete => None,
        };
        let class = until_here.and_then(|label| self.state.classes.get_mut(&label));
        if let Some(class) = class {
            class.leave(rank(self.config.seed, position), position);
        }
        self.state.new.observe(change, 0);
    }

    fn propose(&mut self, trigger: u64) -> Proposal {
        let (seed, wanted) = (self.config.seed, self.config.remembered());
        let State { new, classes } = &mut self.state;
        let samples = new.drain();
        let mut candidates: Vec<Candidate> = samples
            .iter()
            .map(|new| Candidate { position: new.position, label: new.label, weight: 1.0, rank: 0 })
            .collect();
        let mut groups = vec![Group { key: NEW, candidates: samples.len(), below: u64::MAX }];
        classes.retain(|_, class| !class.is_untouched());
        for (label, class) in classes.iter() {
            groups.push(class.propose(u64::from(*label) + 1, wanted, &mut candidates));
        }
        for sample in samples {
            let class = classes.entry(sample.label).or_default();
            class.enter(rank(seed, sample.position), sample.position, sample.label, wanted);
        }
        let available = candidates.len() as u64;
        Proposal { trigger, available, candidates, groups, ..Proposal::default() }
    }

    fn retained_samples(&self, visit: &mut dyn FnMut(Id)) {
        self.state.new.retained_samples(visit);
        self.state.classes.values().for_each(|class| class.retained_samples(visit));
    }
}
