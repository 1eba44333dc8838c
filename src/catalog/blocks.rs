//! An index from samples to training sets: for each block of 65536 ids, the sets with samples in it.
//!
//! A row for each sample of each training set would need a hundred times the space of the sets, which are
//! bitmaps. A block holds adjacent offsets of one partition. If policies train on new data, a block
//! therefore has few sets, however long the run is. The bitmaps of these sets contain the details.

use roaring::RoaringTreemap;
use rusqlite::{Transaction, named_params};

use super::table::TRAINING_SET_BLOCKS;

/// The block of a sample.
pub(super) fn block_of(id: u64) -> i64 {
    (id >> 16) as i64
}

/// Adds a training set to the index.
pub(super) fn insert_blocks(
    transaction: &Transaction<'_>,
    branch: &str,
    trigger: i64,
    ids: &RoaringTreemap,
) -> rusqlite::Result<()> {
    let sql = TRAINING_SET_BLOCKS.insert("INSERT OR IGNORE");
    let mut insert = transaction.prepare_cached(&sql)?;
    let mut ids = ids.iter();
    while let Some(id) = ids.next() {
        let block = block_of(id);
        insert.execute(named_params! {":block": block, ":branch": branch, ":trigger": trigger})?;
        match ((block as u64) + 1).checked_mul(1 << 16) {
            Some(next) => ids.advance_to(next),
            None => break,
        }
    }
    Ok(())
}
