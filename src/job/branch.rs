use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use driftmill_operators::flow::{Evaluated, Scores, TriggerCheckpoint};
use driftmill_operators::selection::SelectionConfig;
use driftmill_operators::trigger::TriggerTable;
use driftmill_operators::{Position, Snapshot, restore};

use super::context::{Context, place};
use super::irreducible::Judges;
use super::unrecorded::Notes;
use crate::catalog::{
    BranchRecord, CatalogError, DecidedRecord, ModelStore, OutcomeRecord, Version,
};
use crate::config::Composition;
use crate::evaluate::Prequential;
use crate::report::{TriggerLine, VersionLine};
use crate::source::Partition;
use crate::train::{Downsampling, Runtime, Weights};

/// One composition of policies over the stream, with the versions it made.
pub struct Branch {
    /// Empty for the pipeline's own, else the name of the comparison.
    pub name: String,
    /// When to train.
    pub trigger: TriggerTable,
    /// What to train on.
    pub selection: Arc<dyn SelectionConfig>,
    /// The selection's key in the pipeline file.
    pub selection_key: &'static str,
    /// Which part of that a training learns from.
    pub downsampling: Option<Downsampling>,
    /// The models that it is told apart by, if it asks any.
    pub(super) judges: Option<Arc<Judges>>,
    /// The versions' files.
    pub store: ModelStore,
    /// Length of the evaluation's intervals, in milliseconds.
    pub interval: Option<i64>,
    /// The thread that owns the models.
    pub runtime: Runtime,
    /// Where it stood when the job was started.
    pub start: BranchRecord,
    /// How far its evaluation was then, by partition.
    scored: BTreeMap<u32, Position>,
    /// Where its trigger policy stands at the decision that was made last.
    standing: Mutex<Option<TriggerCheckpoint>>,
    /// What the policy did since, until that is recorded.
    pub(super) notes: Notes,
    recent: Mutex<VecDeque<(u64, Weights)>>,
    story: Mutex<Story>,
}

/// What a branch did.
#[derive(Clone, Debug, Default)]
pub struct Story {
    /// Its decisions, in order.
    pub triggers: Vec<TriggerLine>,
    /// Its versions, in order.
    pub versions: Vec<VersionLine>,
    /// How good they were.
    pub prequential: Prequential,
    /// By worker, before which position all samples are scored.
    until: BTreeMap<usize, Position>,
}

/// Versions kept in memory: the active one, and those that scoring may still need.
const RECENT: usize = 4;

impl Branch {
    /// A branch that goes on from where it stood; `selection` is that of the composition, held out
    /// from what nothing is trained on.
    ///
    /// # Errors
    /// When what was recorded cannot be read.
    pub(super) fn new(
        composition: Composition<'_>,
        selection: Arc<dyn SelectionConfig>,
        store: ModelStore,
        (interval, runtime, judges): (Option<i64>, Runtime, Option<Judges>),
        (start, partitions): (BranchRecord, &[Partition]),
    ) -> Result<Self, CatalogError> {
        let judges = judges.map(Arc::new);
        let mut branch = Self {
            name: composition.name.to_owned(),
            trigger: composition.trigger.clone(),
            selection,
            selection_key: composition.selection.key(),
            downsampling: composition.downsampling.cloned(),
            judges,
            store,
            interval,
            runtime,
            start,
            scored: BTreeMap::new(),
            standing: Mutex::default(),
            notes: Notes::default(),
            recent: Mutex::default(),
            story: Mutex::default(),
        };
        branch.restore(partitions)?;
        Ok(branch)
    }

    fn restore(&mut self, partitions: &[Partition]) -> Result<(), CatalogError> {
        let mut story = Story::default();
        if let Some(saved) = &self.start.evaluation {
            (story.prequential, self.scored) =
                restore(saved).map_err(|error| CatalogError::State(error.to_string()))?;
        }
        for record in self.start.past() {
            let version = record.outcome.as_ref().and_then(|outcome| outcome.version);
            let place = place(partitions, record.decided.position);
            let mut line = TriggerLine::of(&record.decided, place, record.samples);
            line.version = version;
            story.triggers.push(line);
            if let Some(version) = version {
                story.versions.push(VersionLine::of(&self.described(version)?));
            }
        }
        if let Some(newest) = story.versions.last().map(|line| line.version) {
            let weights = self.stored(newest)?;
            self.recent().push_back((newest, weights));
        }
        self.story = Mutex::new(story);
        Ok(())
    }

    /// Ends its threads at the next batch.
    pub(super) fn stop(&self) {
        self.runtime.stop();
        if let Some(judges) = &self.judges {
            judges.stop();
        }
    }

    /// What the branch did so far.
    pub fn story(&self) -> MutexGuard<'_, Story> {
        self.story.lock().expect("no one panics while holding a story")
    }

    pub(super) fn scored(&self, scores: &Scores) {
        let mut story = self.story();
        scores.sums.iter().for_each(|sum| story.prequential.add(sum));
        story.until.insert(scores.worker, scores.until);
    }

    /// How far the evaluation was when the job was started.
    pub(super) fn evaluated(&self) -> Evaluated {
        let versions = self.start.past().filter_map(|record| {
            let version = record.outcome.as_ref()?.version?;
            Some((record.decided.end(), version))
        });
        Evaluated { until: self.scored.clone(), versions: versions.collect() }
    }

    /// How far the evaluation is, to be recorded: sums, and positions by partition.
    pub(super) fn evaluation(&self, context: &Context) -> Vec<u8> {
        let story = self.story();
        let mut until = self.scored.clone();
        for (number, partition) in context.partitions.iter().enumerate() {
            if let Some(position) = story.until.get(&context.worker_of(number)) {
                // a worker that has several passes what one of them saw under another.
                let until = until.entry(partition.id(0).stream()).or_insert(*position);
                *until = (*until).max(*position);
            }
        }
        (story.prequential.clone(), until).save()
    }

    /// The first position in a partition that a policy or the evaluation has not seen.
    pub(super) fn resume_at(&self, stream: u32) -> Position {
        let scored = self.scored.get(&stream).copied().unwrap_or(Position::MIN);
        self.start.resume_at(stream).min(scored)
    }

    /// What comes new in a partition must not be before this position: the policies or the evaluation
    /// have gone on without it.
    pub(super) fn floor(&self, stream: u32) -> Position {
        let scored = self.scored.get(&stream).copied().unwrap_or(Position::MIN);
        self.start.reached().max(scored)
    }

    /// Remembers where the trigger policy stands at its newest decision.
    pub(super) fn stand(&self, standing: TriggerCheckpoint) {
        *self.standing() = Some(standing);
    }

    /// Where the trigger policy stands at the decision that was made last, or was open when the job
    /// was started.
    pub(super) fn standing(&self) -> MutexGuard<'_, Option<TriggerCheckpoint>> {
        self.standing.lock().expect("no one panics while holding a standing")
    }

    /// The versions it made so far, with their digests.
    pub(super) fn versions(&self) -> BTreeMap<u64, String> {
        let outcomes = self.start.decisions.iter().filter_map(|record| record.outcome.as_ref());
        outcomes.filter_map(|outcome| outcome.version.zip(outcome.sha256.clone())).collect()
    }

    /// Decisions that were recorded before the job was started and are made again.
    pub(super) fn again(&self) -> BTreeMap<u64, DecidedRecord> {
        let next = self.start.next_trigger();
        let again = self.start.decisions.iter().filter(|record| record.decided.trigger >= next);
        again.map(|record| (record.decided.trigger, record.clone())).collect()
    }

    /// Keeps a version at hand as long as there are few that are newer.
    pub(super) fn made(&self, version: u64, weights: Weights) {
        let mut recent = self.recent();
        let place = recent.partition_point(|(held, _)| *held < version);
        if recent.get(place).is_none_or(|(held, _)| *held != version) {
            recent.insert(place, (version, weights));
        }
        while recent.len() > RECENT {
            recent.pop_front();
        }
    }

    /// A version's weights.
    ///
    /// # Errors
    /// When an older version's file cannot be read.
    pub(super) fn weights(&self, version: u64) -> Result<Weights, CatalogError> {
        let known = self.recent().iter().find(|(held, _)| *held == version).cloned();
        match known {
            Some((_, weights)) => Ok(weights),
            None => {
                let weights = self.stored(version)?;
                // of a version that process 0 makes another one has only the file.
                self.made(version, weights.clone());
                Ok(weights)
            }
        }
    }

    /// The weights in a version's file, if they are those that were recorded.
    fn stored(&self, version: u64) -> Result<Weights, CatalogError> {
        let weights = Weights::new(self.store.weights(version)?);
        match self.recorded(version).and_then(|outcome| outcome.sha256.as_deref()) {
            Some(recorded) if recorded != weights.sha256() => {
                Err(CatalogError::Other { file: "weights", version })
            }
            _ => Ok(weights),
        }
    }

    /// A version's description, if it is the one that was recorded.
    pub(super) fn described(&self, version: u64) -> Result<Version, CatalogError> {
        let (described, digest) = self.store.described(version)?;
        match self.recorded(version).and_then(|outcome| outcome.description.as_ref()) {
            Some(recorded) if *recorded != digest => {
                Err(CatalogError::Other { file: "description", version })
            }
            _ => Ok(described),
        }
    }

    fn recorded(&self, version: u64) -> Option<&OutcomeRecord> {
        let outcomes = self.start.decisions.iter().rev();
        let mut outcomes = outcomes.filter_map(|record| record.outcome.as_ref());
        outcomes.find(|outcome| outcome.version == Some(version))
    }

    /// The newest version, if there is one.
    pub(super) fn newest(&self) -> Option<(u64, Weights)> {
        self.recent().back().cloned()
    }

    fn recent(&self) -> MutexGuard<'_, VecDeque<(u64, Weights)>> {
        self.recent.lock().expect("no one panics while holding the versions")
    }
}
