//! The versions of a run.

use std::collections::BTreeMap;

use driftmill_operators::selection::Candidate;
use driftmill_operators::{Change, Id, Kind, Position};
use serde::Serialize;

use super::replay::Shown;
use super::{History, HistoryError};
use crate::catalog::{Place, TrainedSamples, TrainedSet};

/// What made a version.
#[derive(Clone, Debug, Serialize)]
pub struct VersionContents {
    /// The pipeline's name, or that of the comparison.
    pub policy: String,
    /// The version.
    pub version: u64,
    /// SHA-256 of its weights.
    pub sha256: Option<String>,
    /// The decision that led to it.
    pub trigger: u64,
    /// Where that was.
    pub place: Place,
    /// Why.
    pub reason: String,
    /// Samples it was trained on.
    pub samples: u64,
    /// Per partition those samples.
    pub partitions: Vec<Part>,
    /// Which part of them it trained on, if not all.
    pub trained_samples: Option<TrainedSamples>,
    /// Versions of other models that said what of a loss cannot be trained on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub irreducible_models: Vec<String>,
    /// Of these, samples whose features are gone: removed from the log, or erased.
    pub removed: u64,
    /// How many samples of each class, by the labels of that time, as far as they are in the log.
    pub labels: BTreeMap<u32, u64>,
    /// Seed of the training.
    pub seed: u64,
    /// SHA-256 of the samples' ids.
    pub ids_digest: String,
    /// The versions it comes from, the nearest first.
    pub parents: Vec<Ancestor>,
}

/// Samples of one partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Topic, file or generator.
    pub topic: String,
    /// Partition of the topic.
    pub partition: u16,
    /// The lowest offset used.
    pub from: u64,
    /// One more than the highest offset used.
    pub to: u64,
    /// How many offsets between were used.
    pub samples: u64,
}

/// A version that another comes from.
#[derive(Clone, Debug, Serialize)]
pub struct Ancestor {
    /// The version.
    pub version: u64,
    /// The decision that led to it.
    pub trigger: u64,
    /// Where that was.
    pub place: Place,
    /// Why.
    pub reason: String,
    /// Samples it was trained on.
    pub samples: u64,
}

/// What of a version's training set is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tainted {
    /// The pipeline's name, or that of the comparison.
    pub policy: String,
    /// The version.
    pub version: u64,
    /// Samples it was trained on.
    pub samples: u64,
    /// Of these, samples that were replaced since.
    pub replaced: u64,
    /// Of these, samples that were deleted since.
    pub deleted: u64,
}

impl Tainted {
    /// Whether all that the version knows is still there.
    pub fn is_clean(&self) -> bool {
        self.replaced + self.deleted == 0
    }
}

impl History {
    /// What made a version of the pipeline's own (`branch` is empty) or of a comparison.
    ///
    /// # Errors
    /// When there is no such version, or the log cannot be read.
    pub fn made_of(&self, branch: &str, version: u64) -> Result<VersionContents, HistoryError> {
        let (mut wanted, mut irreducible): (Option<TrainedSet>, Vec<_>) = (None, Vec::new());
        let mut others: BTreeMap<u64, (Option<u64>, Ancestor)> = BTreeMap::new();
        self.catalog.trained(|set| {
            let Some(number) = set.version else { return };
            if set.branch != branch {
                return irreducible.push((set.decision.trigger, set.branch, number));
            }
            others.insert(number, (set.parent, self.ancestor(number, &set)));
            if number == version {
                wanted = Some(set);
            }
        })?;
        let missing = || {
            let name = self.name_of(branch);
            HistoryError::Unknown(match others.keys().next_back() {
                Some(last) => format!("no version {version} of `{name}`: there are 1 to {last}"),
                None => format!("no version {version} of `{name}`: there are none"),
            })
        };
        let set = wanted.ok_or_else(missing)?;
        let mut parents = Vec::new();
        let mut next = set.parent;
        while let Some((parent, ancestor)) = next.and_then(|next| others.remove(&next)) {
            parents.push(ancestor);
            next = parent;
        }
        let irreducible_model = |(trigger, irreducible_model, number): (u64, String, u64)| {
            let own =
                irreducible_model.strip_prefix(branch).is_some_and(|rest| rest.starts_with('/'));
            let name = || format!("version {number} of {}", self.name_of(&irreducible_model));
            (own && trigger == set.decision.trigger).then(name)
        };
        let irreducible_models = irreducible.into_iter().filter_map(irreducible_model).collect();
        let mut labels = BTreeMap::new();
        for row in self.rows_of(&set)? {
            *labels.entry(row.label).or_default() += 1;
        }
        Ok(VersionContents {
            policy: self.name_of(branch).to_owned(),
            version,
            trigger: set.decision.trigger,
            place: self.place(set.decision.position),
            reason: set.decision.reason.text.clone(),
            samples: set.ids.len(),
            trained_samples: self
                .catalog
                .trained_samples(branch, set.decision.trigger)?
                .map(|(trained_samples, _)| trained_samples),
            irreducible_models,
            removed: set.ids.intersection_len(&self.expired_samples()?),
            partitions: self.parts(&set),
            labels,
            seed: set.seed,
            parents,
            sha256: set.sha256,
            ids_digest: set.ids_digest,
        })
    }

    /// The training set of a decision.
    ///
    /// # Errors
    /// When there is no such decision.
    pub(super) fn training_set(
        &self,
        branch: &str,
        trigger: u64,
    ) -> Result<TrainedSet, HistoryError> {
        let found = self.catalog.training_set(branch, trigger)?;
        let name = self.name_of(branch);
        let missing = || HistoryError::Unknown(format!("`{name}` has no trigger {trigger}"));
        found.ok_or_else(missing)
    }

    fn ancestor(&self, version: u64, set: &TrainedSet) -> Ancestor {
        Ancestor {
            version,
            trigger: set.decision.trigger,
            place: self.place(set.decision.position),
            reason: set.decision.reason.text.clone(),
            samples: set.ids.len(),
        }
    }

    fn parts(&self, set: &TrainedSet) -> Vec<Part> {
        let mut parts: BTreeMap<u32, Part> = BTreeMap::new();
        for id in set.ids.iter().map(Id) {
            let part = parts.entry(id.stream()).or_insert_with(|| Part {
                topic: self.place(Position::new(0, id)).topic,
                partition: id.partition(),
                from: id.offset(),
                to: 0,
                samples: 0,
            });
            part.to = id.offset() + 1;
            part.samples += 1;
        }
        parts.into_values().collect()
    }

    /// The rows of a training set, with the labels that they had when it was chosen.
    ///
    /// # Errors
    /// When the log is not what was written.
    pub(super) fn rows_of(&self, set: &TrainedSet) -> Result<Vec<Candidate>, HistoryError> {
        let shown = Shown { until: set.decision.end(), ..Shown::ALL };
        let ids = set.ids.clone();
        let rows = self.replay(shown, BTreeMap::new(), move |rows, change: &Change| {
            if change.kind != Kind::Retract && ids.contains(change.record.id().0) {
                rows.insert(change.record.position, change.record.label);
            }
        })?;
        let row = |(position, label): (_, Option<u32>)| {
            Some(Candidate { position, label: label?, weight: 1.0, rank: 0 })
        };
        Ok(rows.into_iter().filter_map(row).collect())
    }

    /// What of each version's training set is gone, version after version.
    ///
    /// # Errors
    /// When the log is not what was written.
    pub fn tainted(&self) -> Result<Vec<Tainted>, HistoryError> {
        let statuses = self.statuses(None)?;
        let mut tainted = Vec::new();
        self.catalog.trained(|set| {
            let Some(version) = set.version else { return };
            tainted.push(Tainted {
                policy: self.name_of(&set.branch).to_owned(),
                version,
                samples: set.ids.len(),
                replaced: set.ids.intersection_len(&statuses.replaced),
                deleted: set.ids.intersection_len(&statuses.deleted),
            });
        })?;
        Ok(tainted)
    }
}
