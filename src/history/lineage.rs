//! The lineage of samples: the versions that were trained on them.

use driftmill_operators::downsampling::Kept;
use driftmill_operators::{Id, Position};
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_128;

use super::sample_status::SampleStatus;
use super::{History, HistoryError};
use crate::catalog::{Place, TrainedSet};
use crate::store::{LogBatch, RowKind};

/// The lineage of a sample or a key.
#[derive(Clone, Debug, Serialize)]
pub struct Lineage {
    /// Hash of the message key, in hexadecimal; none without a key.
    pub key: Option<String>,
    /// Its messages, in order.
    pub rows: Vec<Row>,
    /// Whether all samples were retracted or have expired.
    pub retracted: bool,
    /// The versions that were trained on any of the samples.
    pub versions: Vec<Seen>,
}

/// A message of the log.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Its position.
    pub place: SamplePlace,
    /// Its own event time, in milliseconds since 1970; none if the row was removed.
    pub event_time: Option<i64>,
    /// `put`, `erased`, `delete`, `label` or `bad`.
    pub kind: &'static str,
    /// Its class, if it has one.
    pub label: Option<u32>,
    /// The status of the sample; none if the message is not a sample.
    pub status: Option<SampleStatus>,
    /// Whether its features were removed with the log or erased.
    pub expired: bool,
    #[serde(skip)]
    is_sample: bool,
    #[serde(skip)]
    id: Id,
}

/// The position of a sample.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SamplePlace {
    /// Position time, in milliseconds since 1970; none if the row was removed.
    pub time: Option<i64>,
    /// Topic, file or generator.
    pub topic: String,
    /// Partition of the topic.
    pub partition: u16,
    /// Offset in the partition.
    pub offset: u64,
}

/// A version that was trained on the queried samples.
#[derive(Clone, Debug, Serialize)]
pub struct Seen {
    /// The pipeline's name, or that of the comparison.
    pub policy: String,
    /// The version.
    pub version: u64,
    /// The decision that led to it.
    pub trigger: u64,
    /// The position of that decision.
    pub place: Place,
    /// The queried samples that it was trained on.
    pub samples: Vec<SamplePlace>,
    /// The number of times that it trained on them, if it trained on a part of its training set. Candidates
    /// that downsampling left out count as 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trained_samples: Option<u64>,
    /// Whether one of them has since been replaced.
    pub replaced: bool,
    /// Whether one of them has since been deleted.
    pub deleted: bool,
}

impl History {
    /// The lineage of one sample.
    ///
    /// # Errors
    /// When there is no such row, or the log cannot be read.
    pub fn of_sample(&self, id: Id) -> Result<Lineage, HistoryError> {
        let unknown = || {
            let place = self.place(Position::new(0, id));
            let name = format!("{}/{}/{}", place.topic, place.partition, place.offset);
            HistoryError::Unknown(format!("the run has read no sample `{name}`"))
        };
        let Some(rows) = self.log.batch_with(id)? else {
            let key = self.expired_key(id)?.ok_or_else(unknown)?;
            return self.lineage(key, vec![self.expired_row(id)]);
        };
        let at = rows.ids.binary_search(&id.0).map_err(|_| unknown())?;
        let key = rows.keys[at];
        let row = self.row(&rows, at);
        self.lineage(key, vec![row])
    }

    /// The lineage of all messages with a key.
    ///
    /// # Errors
    /// When there is no such message, or the log cannot be read.
    pub fn of_key(&self, text: &str) -> Result<Lineage, HistoryError> {
        let key = xxh3_128(text.as_bytes());
        let removed = self.expired_with(key)?.into_iter();
        let mut rows: Vec<Row> = removed.map(|id| self.expired_row(id)).collect();
        for part in &self.partitions {
            for batch in self.log.with_key(part.id(0).stream(), key)? {
                let found = batch.keys.iter().enumerate().filter(|(_, found)| **found == key);
                rows.extend(found.map(|(at, _)| self.row(&batch, at)));
            }
        }
        if rows.is_empty() {
            let text = format!("the run has read no message with the key `{text}`");
            return Err(HistoryError::Unknown(text));
        }
        rows.sort_by_key(|row| (row.place.time, row.id));
        self.lineage(key, rows)
    }

    fn row(&self, rows: &LogBatch, at: usize) -> Row {
        let id = Id(rows.ids[at]);
        let kind = RowKind::of(rows.kinds[at]);
        Row {
            place: self.sample_place(id, Some(rows.position_times[at])),
            event_time: Some(rows.times[at]),
            kind: kind.map_or("invalid", RowKind::name),
            label: rows.labels[at],
            status: None,
            expired: kind == Some(RowKind::Erased),
            is_sample: kind.is_some_and(RowKind::is_sample),
            id,
        }
    }

    /// The row of a sample that retention removed.
    fn expired_row(&self, id: Id) -> Row {
        Row {
            place: self.sample_place(id, None),
            event_time: None,
            kind: RowKind::Put.name(),
            label: None,
            status: None,
            expired: true,
            is_sample: true,
            id,
        }
    }

    fn sample_place(&self, id: Id, time: Option<i64>) -> SamplePlace {
        let Place { topic, partition, offset, .. } = self.place(Position::new(0, id));
        SamplePlace { time, topic, partition, offset }
    }

    /// The number of times that a training used these samples, if it trained on a part of its training set.
    fn trained_samples(
        &self,
        branch: &str,
        trigger: u64,
        ids: Vec<Id>,
    ) -> Result<Option<u64>, HistoryError> {
        let trained_samples = self.catalog.trained_samples(branch, trigger)?;
        let among = |kept: &Kept| if ids.contains(&kept.id) { kept.times } else { 0 };
        Ok(trained_samples.map(|(_, kept)| kept.iter().map(among).sum()))
    }

    fn lineage(&self, key: u128, mut rows: Vec<Row>) -> Result<Lineage, HistoryError> {
        let ids: Vec<Id> = rows.iter().map(|row| row.id).collect();
        let statuses = self.statuses_of(key, &ids)?;
        let samples = rows.iter_mut().filter(|row| row.is_sample);
        samples.for_each(|row| row.status = Some(statuses.of(row.id)));
        let retracted = rows.iter().all(|row| row.status != Some(SampleStatus::There));
        let (mut versions, mut branches) = (Vec::new(), Vec::new());
        let each = |set: TrainedSet| {
            let Some(version) = set.version else { return };
            let seen = rows.iter().filter(|row| set.ids.contains(row.id.0));
            let seen: Vec<&Row> = seen.collect();
            if seen.is_empty() {
                return;
            }
            let any = |status| seen.iter().any(|row| row.status == Some(status));
            versions.push(Seen {
                policy: self.name_of(&set.branch).to_owned(),
                version,
                trigger: set.decision.trigger,
                place: self.place(set.decision.position),
                replaced: any(SampleStatus::Replaced),
                deleted: any(SampleStatus::Deleted),
                samples: seen.iter().map(|row| row.place.clone()).collect(),
                trained_samples: None,
            });
            branches.push((set.branch, seen.into_iter().map(|row| row.id).collect()));
        };
        self.catalog.trained_on(&ids, each)?;
        for (version, (branch, ids)) in versions.iter_mut().zip(branches) {
            version.trained_samples = self.trained_samples(&branch, version.trigger, ids)?;
        }
        let key = (key != 0).then(|| format!("{key:032x}"));
        Ok(Lineage { key, rows, retracted, versions })
    }
}
