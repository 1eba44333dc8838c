//! What retention took out of a run: without its bytes, but nothing is forgotten that was known of it.

use std::collections::BTreeSet;

use driftmill_operators::Id;
use roaring::RoaringTreemap;
use rusqlite::{Row, Transaction, params};

use super::database::insert_lengths;
use super::{Catalog, CatalogError};
use crate::store::{Contents, Counts, RowRange, SegmentLength};

/// A segment that is no longer in the log.
#[derive(Clone, Debug)]
pub struct ExpiredSegment {
    /// The name that its files had.
    pub name: String,
    /// Bytes of its batches.
    pub bytes: u64,
    /// Its rows.
    pub counts: Counts,
    /// What they were.
    pub contents: Contents,
    /// The samples that others had replaced.
    pub replaced: RoaringTreemap,
    /// The samples that had been deleted.
    pub deleted: RoaringTreemap,
}

impl Catalog {
    /// Records that segments and the weights of versions, by branch and number, are removed; that is
    /// then to be done.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn remove(
        &mut self,
        segments: &[ExpiredSegment],
        versions: &[(&str, u64)],
    ) -> Result<(), CatalogError> {
        self.commit("recording what is removed in", |transaction| {
            for segment in segments {
                transaction.execute("DELETE FROM segments WHERE name = ?", [&segment.name])?;
                insert(transaction, segment)?;
            }
            let mut insert = transaction
                .prepare_cached("INSERT OR IGNORE INTO expired_versions VALUES (?, ?)")?;
            for (branch, version) in versions {
                insert.execute(params![branch, *version as i64])?;
            }
            Ok(())
        })
    }

    /// Records that a segment was written again, as `copy`, without the features of `samples`; it is
    /// then to be removed.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn erase(
        &mut self,
        name: &str,
        copy: &SegmentLength,
        samples: &RoaringTreemap,
    ) -> Result<(), CatalogError> {
        self.commit("recording what is erased in", |transaction| {
            transaction.execute("DELETE FROM segments WHERE name = ?", [name])?;
            insert_lengths(transaction, std::slice::from_ref(copy))?;
            let insert = "INSERT INTO erased_samples VALUES (?, ?)";
            transaction.execute(insert, params![copy.name, bitmap(samples)]).map(|_| ())
        })
    }

    /// All samples that were erased, whether their segments are still there or not.
    ///
    /// # Errors
    /// When SQLite cannot read them, or a bitmap is not one.
    pub fn erased(&self) -> Result<RoaringTreemap, CatalogError> {
        self.union_of("SELECT ids FROM erased_samples")
    }

    /// Shows every segment that was removed, one at a time, the first one first.
    ///
    /// # Errors
    /// When SQLite cannot read them, or a bitmap is not one.
    pub fn removed(&self, mut each: impl FnMut(ExpiredSegment)) -> Result<(), CatalogError> {
        let failed = || CatalogError::database("reading");
        let mut statement = self
            .database
            .prepare("SELECT * FROM expired_segments ORDER BY number")
            .map_err(failed())?;
        let mut rows = statement.query([]).map_err(failed())?;
        while let Some(row) = rows.next().map_err(failed())? {
            let number: i64 = row.get(0).map_err(failed())?;
            let mut segment = segment(row)?;
            segment.contents.ranges = self.ranges(number).map_err(failed())?;
            each(segment);
        }
        Ok(())
    }

    fn ranges(&self, number: i64) -> rusqlite::Result<Vec<RowRange>> {
        let range = |row: &Row<'_>| {
            let (topic, partition) = (row.get(0)?, row.get(1)?);
            let id = |offset: i64| Id::new(topic, partition, offset as u64);
            Ok(RowRange {
                first: id(row.get(2)?),
                last: id(row.get(3)?),
                rows: row.get::<_, i64>(4)? as u64,
                from_time: row.get(5)?,
                to_time: row.get(6)?,
            })
        };
        let query =
            "SELECT topic_index, partition, from_offset, to_offset, rows, from_time, to_time
                     FROM expired_ranges WHERE number = ? ORDER BY topic_index, partition";
        self.database.prepare_cached(query)?.query_map([number], range)?.collect()
    }

    /// How many messages there were in the segments that were removed.
    ///
    /// # Errors
    /// When SQLite cannot read it.
    pub fn expired_counts(&self) -> Result<Counts, CatalogError> {
        let query = "SELECT ifnull(sum(rows), 0), ifnull(sum(samples), 0), ifnull(sum(bad), 0),
                            ifnull(sum(late), 0) FROM expired_segments";
        let counts = |row: &Row<'_>| {
            Ok(Counts {
                rows: row.get::<_, i64>(0)? as u64,
                samples: row.get::<_, i64>(1)? as u64,
                bad: row.get::<_, i64>(2)? as u64,
                late: row.get::<_, i64>(3)? as u64,
            })
        };
        self.database.query_row(query, [], counts).map_err(CatalogError::database("reading"))
    }

    /// The versions of a branch whose weights were removed.
    ///
    /// # Errors
    /// When SQLite cannot read them.
    pub fn expired_versions(&self, branch: &str) -> Result<BTreeSet<u64>, CatalogError> {
        let query = "SELECT version FROM expired_versions WHERE branch = ?";
        let versions = self.rows(query, [branch], |row| Ok(row.get::<_, i64>(0)? as u64))?;
        Ok(versions.into_iter().collect())
    }

    /// The samples of all training sets whose decisions have no outcome yet.
    ///
    /// # Errors
    /// When SQLite cannot read them, or a bitmap is not one.
    pub fn in_training(&self) -> Result<RoaringTreemap, CatalogError> {
        self.union_of(
            "SELECT ids FROM decisions d WHERE NOT EXISTS (
                 SELECT 1 FROM outcomes o WHERE o.branch = d.branch AND o.trigger = d.trigger)",
        )
    }

    fn union_of(&self, query: &str) -> Result<RoaringTreemap, CatalogError> {
        let failed = || CatalogError::database("reading");
        let mut statement = self.database.prepare(query).map_err(failed())?;
        let mut rows = statement.query([]).map_err(failed())?;
        let mut ids = RoaringTreemap::new();
        while let Some(row) = rows.next().map_err(failed())? {
            ids |= parsed(&row.get::<_, Vec<u8>>(0).map_err(failed())?)?;
        }
        Ok(ids)
    }
}

fn insert(transaction: &Transaction<'_>, segment: &ExpiredSegment) -> rusqlite::Result<()> {
    let ExpiredSegment { name, bytes, counts, contents, replaced, deleted } = segment;
    let keys: Vec<u8> = contents.keys.iter().flat_map(|key| key.to_be_bytes()).collect();
    let mut insert = transaction.prepare_cached(
        "INSERT INTO expired_segments VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    let number = insert.insert(params![
        name,
        *bytes as i64,
        counts.rows as i64,
        counts.samples as i64,
        counts.bad as i64,
        counts.late as i64,
        bitmap(&contents.samples),
        bitmap(replaced),
        bitmap(deleted),
        keys,
    ])?;
    let mut insert =
        transaction.prepare_cached("INSERT INTO expired_ranges VALUES (?, ?, ?, ?, ?, ?, ?, ?)")?;
    for range in &contents.ranges {
        insert.execute(params![
            number,
            range.first.topic(),
            range.first.partition(),
            range.first.offset() as i64,
            range.last.offset() as i64,
            range.rows as i64,
            range.from_time,
            range.to_time,
        ])?;
    }
    Ok(())
}

fn segment(row: &Row<'_>) -> Result<ExpiredSegment, CatalogError> {
    let failed = || CatalogError::database("reading");
    let number = |at| row.get::<_, i64>(at).map(|number| number as u64).map_err(failed());
    let bytes = |at| row.get::<_, Vec<u8>>(at).map_err(failed());
    let (rows, samples, bad, late) = (number(3)?, number(4)?, number(5)?, number(6)?);
    let keys = bytes(10)?;
    let keys = keys.as_chunks::<16>().0.iter().map(|key| u128::from_be_bytes(*key)).collect();
    Ok(ExpiredSegment {
        name: row.get(1).map_err(failed())?,
        bytes: number(2)?,
        counts: Counts { rows, samples, bad, late },
        contents: Contents { ranges: Vec::new(), samples: parsed(&bytes(7)?)?, keys },
        replaced: parsed(&bytes(8)?)?,
        deleted: parsed(&bytes(9)?)?,
    })
}

/// Ids as they stand in the catalog.
pub(super) fn bitmap(ids: &RoaringTreemap) -> Vec<u8> {
    let mut bitmap = Vec::with_capacity(ids.serialized_size());
    ids.serialize_into(&mut bitmap).expect("memory takes all that is written");
    bitmap
}

/// Ids as they were written by [`bitmap`].
pub(super) fn parsed(bitmap: &[u8]) -> Result<RoaringTreemap, CatalogError> {
    let ids = RoaringTreemap::deserialize_from(bitmap);
    ids.map_err(|error| CatalogError::State(error.to_string()))
}
