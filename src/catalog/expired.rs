//! Expired segments, samples and versions. Retention removed them, but their ids, ranges and keys stay
//! recorded.

use driftmill_operators::Id;
use roaring::RoaringTreemap;
use rusqlite::{Row, Transaction, named_params, params};

use super::run_record::insert_lengths;
use super::table::{
    ERASED_SAMPLES, EXPIRED_RANGES, EXPIRED_SEGMENTS, EXPIRED_VERSIONS, Record, Table, undecodable,
    unsigned,
};
use super::{Catalog, CatalogError};
use crate::store::{Contents, Counts, RowRange, SegmentLength};

/// A segment that retention removed from the log.
#[derive(Clone, Debug)]
pub struct ExpiredSegment {
    /// The name of its files.
    pub name: String,
    /// Bytes of its batches.
    pub bytes: u64,
    /// Its rows.
    pub counts: Counts,
    /// The ids, ranges and keys of its rows.
    pub contents: Contents,
    /// Its samples that had been replaced.
    pub replaced: RoaringTreemap,
    /// Its samples that had been deleted.
    pub deleted: RoaringTreemap,
}

/// Expired segments with a range of offsets that overlaps the given one.
const BETWEEN: &str = "WHERE number IN (
    SELECT number FROM expired_ranges INDEXED BY expired_ranges_by_offset
    WHERE topic_index = :topic AND partition = :partition
    AND to_offset >= :first AND from_offset <= :last) ORDER BY number";

impl Catalog {
    /// Records that segments and the weights of versions, by branch and number, have expired. The
    /// caller removes their files afterwards.
    ///
    /// # Errors
    /// When SQLite fails.
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
            let mut insert =
                transaction.prepare_cached(&EXPIRED_VERSIONS.insert("INSERT OR IGNORE"))?;
            for (branch, version) in versions {
                let version = *version as i64;
                insert.execute(named_params! {":branch": branch, ":version": version})?;
            }
            Ok(())
        })
    }

    /// Records that a segment was replaced by `copy`, which lacks the features of `samples`. The caller
    /// removes the old file afterwards.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn erase(
        &mut self,
        name: &str,
        copy: &SegmentLength,
        samples: &RoaringTreemap,
    ) -> Result<(), CatalogError> {
        self.commit("recording what is erased in", |transaction| {
            transaction.execute("DELETE FROM segments WHERE name = ?", [name])?;
            insert_lengths(transaction, std::slice::from_ref(copy))?;
            let row = named_params! {":segment": copy.name, ":ids": bitmap(samples)};
            transaction.execute(&ERASED_SAMPLES.insert("INSERT"), row).map(drop)
        })
    }

    /// All erased samples, including those of segments that were later removed.
    ///
    /// # Errors
    /// When SQLite cannot read them, or a row is damaged.
    pub fn erased(&self) -> Result<RoaringTreemap, CatalogError> {
        let mut all = RoaringTreemap::new();
        self.read_each("", [], |ErasedSamples(ids)| all |= ids)?;
        Ok(all)
    }

    /// Visits each expired segment with offsets of one partition from `first` to `last`, without its
    /// ranges.
    ///
    /// # Errors
    /// When SQLite cannot read them, or a row is damaged.
    pub fn expired_between(
        &self,
        first: Id,
        last: Id,
        mut each: impl FnMut(ExpiredSegment),
    ) -> Result<(), CatalogError> {
        let between = named_params! {
            ":topic": first.topic(),
            ":partition": first.partition(),
            ":first": first.offset() as i64,
            ":last": last.offset() as i64,
        };
        self.read_each(BETWEEN, between, |ExpiredRow { segment, .. }| each(segment))
    }

    /// Visits every expired segment, in the order of removal, one at a time.
    ///
    /// # Errors
    /// When SQLite cannot read them, or a row is damaged.
    pub fn expired_segments(
        &self,
        mut each: impl FnMut(ExpiredSegment),
    ) -> Result<(), CatalogError> {
        let mut ranges: Vec<ExpiredRange> =
            self.read("ORDER BY number DESC, topic_index DESC, partition DESC", [])?;
        self.read_each("ORDER BY number", [], |ExpiredRow { number, mut segment }| {
            while let Some(range) = ranges.pop_if(|range| range.number == number) {
                segment.contents.ranges.push(range.range);
            }
            each(segment);
        })
    }

    /// The number of messages in expired segments.
    ///
    /// # Errors
    /// When SQLite cannot read it.
    pub fn expired_counts(&self) -> Result<Counts, CatalogError> {
        let query = "SELECT ifnull(sum(rows), 0) AS rows, ifnull(sum(samples), 0) AS samples,
                            ifnull(sum(invalid), 0) AS invalid, ifnull(sum(late), 0) AS late
                     FROM expired_segments";
        self.database.query_row(query, [], counts).map_err(CatalogError::database("reading"))
    }

    /// Whether retention removed the weights of a version.
    ///
    /// # Errors
    /// When SQLite cannot read it.
    pub fn is_expired(&self, branch: &str, version: u64) -> Result<bool, CatalogError> {
        let query =
            "SELECT EXISTS (SELECT 1 FROM expired_versions WHERE branch = ? AND version = ?)";
        self.database
            .query_row(query, params![branch, version as i64], |row| row.get(0))
            .map_err(CatalogError::database("reading"))
    }
}

/// A row of `expired_segments`, without its ranges.
struct ExpiredRow {
    number: i64,
    segment: ExpiredSegment,
}

impl Record for ExpiredRow {
    const TABLE: &'static Table = &EXPIRED_SEGMENTS;

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let keys: Vec<u8> = row.get("keys")?;
        let keys = keys.as_chunks::<16>().0.iter().map(|key| u128::from_be_bytes(*key)).collect();
        let segment = ExpiredSegment {
            name: row.get("name")?,
            bytes: unsigned(row, "bytes")?,
            counts: counts(row)?,
            contents: Contents { ranges: Vec::new(), samples: bitmap_of(row, "ids")?, keys },
            replaced: bitmap_of(row, "replaced")?,
            deleted: bitmap_of(row, "deleted")?,
        };
        Ok(Self { number: row.get("number")?, segment })
    }
}

/// A row of `expired_ranges`.
struct ExpiredRange {
    number: i64,
    range: RowRange,
}

impl Record for ExpiredRange {
    const TABLE: &'static Table = &EXPIRED_RANGES;

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let (topic, partition) = (row.get("topic_index")?, row.get("partition")?);
        let id = |offset| Id::new(topic, partition, offset);
        let range = RowRange {
            first: id(unsigned(row, "from_offset")?),
            last: id(unsigned(row, "to_offset")?),
            rows: unsigned(row, "rows")?,
            from_time: row.get("from_time")?,
            to_time: row.get("to_time")?,
        };
        Ok(Self { number: row.get("number")?, range })
    }
}

/// A row of `erased_samples`.
struct ErasedSamples(RoaringTreemap);

impl Record for ErasedSamples {
    const TABLE: &'static Table = &ERASED_SAMPLES;

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        bitmap_of(row, "ids").map(Self)
    }
}

fn counts(row: &Row<'_>) -> rusqlite::Result<Counts> {
    Ok(Counts {
        rows: unsigned(row, "rows")?,
        samples: unsigned(row, "samples")?,
        invalid: unsigned(row, "invalid")?,
        late: unsigned(row, "late")?,
    })
}

fn insert(transaction: &Transaction<'_>, segment: &ExpiredSegment) -> rusqlite::Result<()> {
    let ExpiredSegment { name, bytes, counts, contents, replaced, deleted } = segment;
    let keys: Vec<u8> = contents.keys.iter().flat_map(|key| key.to_be_bytes()).collect();
    let next = "SELECT ifnull(max(number), 0) + 1 FROM expired_segments";
    let number: i64 = transaction.query_row(next, [], |row| row.get(0))?;
    let mut insert = transaction.prepare_cached(&EXPIRED_SEGMENTS.insert("INSERT"))?;
    insert.execute(named_params! {
        ":number": number,
        ":name": name,
        ":bytes": *bytes as i64,
        ":rows": counts.rows as i64,
        ":samples": counts.samples as i64,
        ":invalid": counts.invalid as i64,
        ":late": counts.late as i64,
        ":ids": bitmap(&contents.samples),
        ":replaced": bitmap(replaced),
        ":deleted": bitmap(deleted),
        ":keys": keys,
    })?;
    let mut insert = transaction.prepare_cached(&EXPIRED_RANGES.insert("INSERT"))?;
    for range in &contents.ranges {
        insert.execute(named_params! {
            ":number": number,
            ":topic_index": range.first.topic(),
            ":partition": range.first.partition(),
            ":from_offset": range.first.offset() as i64,
            ":to_offset": range.last.offset() as i64,
            ":rows": range.rows as i64,
            ":from_time": range.from_time,
            ":to_time": range.to_time,
        })?;
    }
    Ok(())
}

/// Encodes ids for the catalog.
pub(super) fn bitmap(ids: &RoaringTreemap) -> Vec<u8> {
    let mut bitmap = Vec::with_capacity(ids.serialized_size());
    ids.serialize_into(&mut bitmap).expect("a write to a vector cannot fail");
    bitmap
}

/// Decodes ids from a column that [`bitmap`] wrote.
pub(super) fn bitmap_of(row: &Row<'_>, column: &str) -> rusqlite::Result<RoaringTreemap> {
    let bytes: Vec<u8> = row.get(column)?;
    RoaringTreemap::deserialize_from(&*bytes).map_err(|error| undecodable(row, column, error))
}
