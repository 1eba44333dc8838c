//! The versions of a run.

use std::collections::BTreeMap;

use driftmill_operators::selection::Candidate;
use driftmill_operators::{Change, Id, Kind, Position};
use serde::Serialize;

use super::replay::Shown;
use super::{History, HistoryError};
use crate::catalog::{Place, TrainedSamples, TrainedSet};

/// The training of a version.
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
    /// The position of that decision.
    pub place: Place,
    /// The reason of that decision.
    pub reason: String,
    /// Number of samples in its training set.
    pub samples: u64,
    /// Those samples by partition.
    pub partitions: Vec<Part>,
    /// The part of them that it trained on, if not all.
    pub trained_samples: Option<TrainedSamples>,
    /// Versions of the irreducible-loss models that scored them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub irreducible_models: Vec<String>,
    /// Number of samples of the training set whose features were removed with the log or erased.
    pub removed: u64,
    /// The number of samples of each class, by the labels at that time.
    pub labels: BTreeMap<u32, u64>,
    /// Seed of the training.
    pub seed: u64,
    /// SHA-256 of the samples' ids.
    pub ids_digest: String,
    /// The versions from which it continues, the nearest first.
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
    /// Number of samples in this range.
    pub samples: u64,
}

/// A version from which another continues.
#[derive(Clone, Debug, Serialize)]
pub struct Ancestor {
    /// The version.
    pub version: u64,
    /// The decision that led to it.
    pub trigger: u64,
    /// The position of that decision.
    pub place: Place,
    /// The reason of that decision.
    pub reason: String,
    /// Number of samples that it was trained on.
    pub samples: u64,
}

/// The retracted samples of a version's training set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tainted {
    /// The pipeline's name, or that of the comparison.
    pub policy: String,
    /// The version.
    pub version: u64,
    /// Number of samples that it was trained on.
    pub samples: u64,
    /// Number of samples of the training set that have since been replaced.
    pub replaced: u64,
    /// Number of samples of the training set that have since been deleted.
    pub deleted: u64,
}

impl Tainted {
    /// Whether none of its samples was retracted.
    pub fn is_clean(&self) -> bool {
        self.replaced + self.deleted == 0
    }
}

impl History {
    /// The training of a version of the pipeline's own branch (`branch` is empty) or of a comparison, with
    /// its nearest `ancestors` or all of them. The amount of data that is read does not grow with the run.
    ///
    /// # Errors
    /// When there is no such version, or the log cannot be read.
    pub fn contents_of(
        &self,
        branch: &str,
        version: u64,
        ancestors: Option<usize>,
    ) -> Result<VersionContents, HistoryError> {
        let Some(set) = self.catalog.training_set_of_version(branch, version)? else {
            return Err(self.no_version(branch, version)?);
        };
        let trigger = set.decision.trigger;
        let irreducible = self.catalog.irreducible_versions(branch, trigger)?.into_iter();
        let irreducible_models = irreducible
            .map(|(model, number)| format!("version {number} of {}", self.name_of(&model)));
        Ok(VersionContents {
            policy: self.name_of(branch).to_owned(),
            version,
            trigger,
            place: self.place(set.decision.position),
            reason: set.decision.reason.text.clone(),
            samples: set.ids.len(),
            trained_samples: self
                .catalog
                .trained_samples(branch, trigger)?
                .map(|(trained_samples, _)| trained_samples),
            irreducible_models: irreducible_models.collect(),
            removed: self.expired_among(&set.ids)?,
            partitions: self.parts(&set),
            parents: self.ancestors(&set, ancestors)?,
            labels: set.labels,
            seed: set.seed,
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

    /// The nearest `limit` ancestors of a version, or all of them.
    fn ancestors(
        &self,
        set: &TrainedSet,
        limit: Option<usize>,
    ) -> Result<Vec<Ancestor>, HistoryError> {
        let (mut ancestors, mut next) = (Vec::new(), set.parent);
        while let Some(version) = next.filter(|_| limit.is_none_or(|limit| ancestors.len() < limit))
        {
            let parent = self.catalog.training_set_of_version(&set.branch, version)?;
            next = parent.as_ref().and_then(|parent| parent.parent);
            ancestors.extend(parent.map(|parent| Ancestor {
                version,
                trigger: parent.decision.trigger,
                place: self.place(parent.decision.position),
                samples: parent.ids.len(),
                reason: parent.decision.reason.text,
            }));
        }
        Ok(ancestors)
    }

    fn no_version(&self, branch: &str, version: u64) -> Result<HistoryError, HistoryError> {
        let name = self.name_of(branch);
        Ok(HistoryError::Unknown(match self.catalog.last_version(branch)? {
            Some(last) => format!("no version {version} of `{name}`: there are 1 to {last}"),
            None => format!("no version {version} of `{name}`: there are none"),
        }))
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

    /// The rows of a training set, with the labels at the time of its decision.
    ///
    /// # Errors
    /// When the log is damaged.
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

    /// The retracted samples of each version, in order.
    ///
    /// # Errors
    /// When the log is damaged.
    pub fn tainted(&self) -> Result<Vec<Tainted>, HistoryError> {
        let statuses = self.statuses()?;
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
