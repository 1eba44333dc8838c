//! The rows of the run, its partitions, and the durable lengths of its log.

use rusqlite::{Row, Transaction, named_params};

use super::table::{PARTITIONS, RUN, Record, SEGMENTS, Table, optional, unsigned};
use crate::source::Partition;
use crate::store::SegmentLength;

/// The record of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRecord {
    /// Its unique name.
    pub id: String,
    /// The pipeline with which it was created, as JSON.
    pub pipeline: String,
    /// The pipeline with which it was last started, as JSON.
    pub current: String,
    /// The run whose published versions count as its own.
    pub adopted: Option<String>,
    /// Whether its stream has ended.
    pub complete: bool,
    /// The arithmetic of the machine on which it was last started, if that is known.
    pub arithmetic: Option<String>,
}

impl Record for RunRecord {
    const TABLE: &'static Table = &RUN;

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            pipeline: row.get("pipeline")?,
            current: row.get("current")?,
            adopted: row.get("adopted")?,
            complete: row.get("complete")?,
            arithmetic: row.get("arithmetic")?,
        })
    }
}

impl Record for Partition {
    const TABLE: &'static Table = &PARTITIONS;

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            topic: row.get("topic")?,
            topic_index: row.get("topic_index")?,
            partition: row.get("partition")?,
            start: unsigned(row, "start")?,
            end: optional(row, "end")?,
            identity: row.get("identity")?,
        })
    }
}

impl Record for SegmentLength {
    const TABLE: &'static Table = &SEGMENTS;

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            name: row.get("name")?,
            bytes: unsigned(row, "bytes")?,
            batches: unsigned(row, "batches")?,
            remote: None,
        })
    }
}

pub(super) fn insert_run(transaction: &Transaction<'_>, run: &RunRecord) -> rusqlite::Result<()> {
    let RunRecord { id, pipeline, current, adopted, complete, arithmetic } = run;
    transaction
        .execute(
            &RUN.insert("INSERT"),
            named_params! {
                ":id": id,
                ":pipeline": pipeline,
                ":current": current,
                ":adopted": adopted,
                ":complete": complete,
                ":arithmetic": arithmetic,
            },
        )
        .map(drop)
}

pub(super) fn insert_partitions(
    transaction: &Transaction<'_>,
    partitions: &[Partition],
) -> rusqlite::Result<()> {
    for (number, partition) in partitions.iter().enumerate() {
        transaction.execute(
            &PARTITIONS.insert("INSERT"),
            named_params! {
                ":number": number as i64,
                ":topic_index": partition.topic_index,
                ":topic": partition.topic,
                ":partition": partition.partition,
                ":start": partition.start as i64,
                ":end": partition.end.map(|end| end as i64),
                ":identity": partition.identity,
            },
        )?;
    }
    Ok(())
}

/// Inserts durable lengths. It is part of every transaction that depends on the log.
pub(super) fn insert_lengths(
    transaction: &Transaction<'_>,
    durable: &[SegmentLength],
) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare_cached(&SEGMENTS.insert("REPLACE"))?;
    for SegmentLength { name, bytes, batches, .. } in durable {
        insert.execute(named_params! {
            ":name": name,
            ":bytes": *bytes as i64,
            ":batches": *batches as i64,
        })?;
    }
    Ok(())
}
