//! Class-balanced memory with exemplars.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::draw::{by_group, in_order, rank};
use super::pool::Pool;
use super::reservoir::Reservoir;
use super::{Candidate, Choice, Group, Memory, Proposal, Selection, SelectionConfig};
use crate::snapshot::snapshot_field;
use crate::{Change, Id, Kind};

pub(super) const EXAMPLE: &str = "per_class = 20";

/// The group of new samples, which are all chosen.
const NEW: u64 = 0;

/// The samples since the last trigger, and a memory of older ones with a fixed number of every class:
/// for classes that come one after another (class-incremental learning), so that a version still
/// predicts those that no longer come.
///
/// The memory of a class is a uniform choice of all its samples before, as a reservoir gives it, but
/// by the smallest hash(seed, id) instead of one after another: it changes only as far as new samples
/// take places, and is the same for any cut into partitions. A sample that is replaced, deleted or gets
/// another label leaves it, and the next smallest takes its place, as long as no more than half of what
/// a partition holds of the class was retracted before others entered: twice as many as wanted are
/// held. After that the memory of the class is smaller until they have. Those that are left stay
/// equally likely but for one in as many as were seen.
///
/// # Herding
///
/// With `keep = "herding"` what is remembered this way is larger, a pool of `pool` samples of each class
/// ([`Choice::memory`]), and a model chooses exemplars from it: at the beginning of a training the host
/// takes of each class the `per_class` samples which together come nearest to the mean of the pool's
/// embeddings ([`exemplars`]) and leaves the rest of the pool out. The embeddings are those of the
/// version that is active then, which is the one that the training before ended with. So the exemplars
/// are those of iCaRL, which chooses them when a training ends, but among the pool instead of all
/// samples there ever were, and again each time instead of fewer of those that were chosen once. Before
/// the first version there are no embeddings: then they are the first of each class in the order of
/// positions.
///
/// # Memory
///
/// Keeps of each class at most 2 · `per_class` samples per partition, with herding 2 · `pool`, and those
/// since the last trigger at 32 bytes each.
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
///     // what is new, and three of each class before.
///     let rows = config.combine(partition.propose(class.into())).rows;
///     assert_eq!(rows.len() as u32, 100 + 3 * class);
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "Table")]
#[cfg_attr(feature = "schema", schemars(!try_from, deny_unknown_fields))]
pub struct ClassMemory {
    /// Samples of each class that are remembered.
    pub per_class: NonZeroUsize,
    /// Which samples of a class these are (default `reservoir`).
    #[serde(default)]
    pub keep: Exemplars,
    /// Samples of each class from which `keep = "herding"` chooses, at least `per_class` (default
    /// 10 · `per_class`); nothing else has a pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<NonZeroUsize>,
    /// Another seed makes another choice (default 0).
    #[serde(default)]
    pub seed: u64,
}

/// Which samples of a class are remembered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Exemplars {
    /// A uniformly random choice.
    #[default]
    Reservoir,
    /// Those whose embeddings together are nearest to their mean, of a uniform choice of `pool` samples.
    Herding,
}

/// A [`ClassMemory`] as it is written.
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
    /// Samples of each class that are in a training set, be it to choose from.
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
        Box::new(MemoryPartition { config: self.clone(), state: State::default() })
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

struct MemoryPartition {
    config: ClassMemory,
    state: State,
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct State {
    /// Those since the last trigger.
    new: Pool,
    classes: BTreeMap<u32, Reservoir>,
}

snapshot_field!(MemoryPartition: state);

impl Selection for MemoryPartition {
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
