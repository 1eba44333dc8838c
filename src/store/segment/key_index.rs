//! The index of message keys of a complete segment: the batches in which a key occurs.
//!
//! A file of blocks of 4 KiB, each with its own checksum: a lookup reads as many blocks as a binary search
//! visits. Numbers are little-endian.

use std::fs::File;
use std::io::Write;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::atomic_write::StagedFile;
use crate::store::StoreError;

/// Number of bytes of a block: a checksum (CRC-32 of the rest), the number of its entries, the number of
/// blocks of the file, and entries.
const BLOCK: usize = 4096;
/// Number of bytes of an entry: the upper 64 bits of the key and the first byte of the batch.
const ENTRY: usize = 16;
/// The entries of a block.
const ENTRIES: Range<usize> = 16..BLOCK;

/// A key, by the upper half of its hash, in the batch that begins at a byte of the segment. Two keys with
/// the same upper half share their batches, so that a reader compares whole keys.
pub(in crate::store) type KeyInBatch = (u64, u64);

/// The index of the keys of a segment.
pub(in crate::store) struct KeyIndex {
    file: File,
    path: PathBuf,
    blocks: u64,
}

/// The half of a key by which batches are found.
pub(in crate::store) fn upper_half(key: u128) -> u64 {
    (key >> 64) as u64
}

/// Writes the index of a segment to `path`.
///
/// # Errors
/// When the file system returns an error.
pub(in crate::store) fn write(path: &Path, mut keys: Vec<KeyInBatch>) -> Result<(), StoreError> {
    keys.sort_unstable();
    keys.dedup();
    let blocks = keys.chunks(ENTRIES.len() / ENTRY);
    let count = blocks.len() as u64;
    let mut staged = StagedFile::begin(path).map_err(StoreError::io("creating", path))?;
    let mut bytes = Vec::with_capacity(blocks.len() * BLOCK);
    blocks.for_each(|entries| bytes.extend(block(entries, count)));
    let written = staged.file().write_all(&bytes).and_then(|()| staged.complete());
    written.map_err(StoreError::io("writing", path))
}

fn block(entries: &[KeyInBatch], blocks: u64) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    block[4..8].copy_from_slice(&(entries.len() as u32).to_le_bytes());
    block[8..16].copy_from_slice(&blocks.to_le_bytes());
    for (to, (key, at)) in block[ENTRIES].chunks_exact_mut(ENTRY).zip(entries) {
        to[..8].copy_from_slice(&key.to_le_bytes());
        to[8..].copy_from_slice(&at.to_le_bytes());
    }
    let checksum = crc32fast::hash(&block[4..]);
    block[..4].copy_from_slice(&checksum.to_le_bytes());
    block
}

impl KeyIndex {
    /// Opens the index at `path`.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is none, [`StoreError::Damaged`] if its length is wrong.
    pub(in crate::store) fn open(path: &Path) -> Result<Self, StoreError> {
        let file = File::open(path).map_err(StoreError::opening(path))?;
        let length = file.metadata().map_err(StoreError::io("reading", path))?.len();
        let index = Self { file, path: path.to_owned(), blocks: length / BLOCK as u64 };
        if length == 0 || length % BLOCK as u64 != 0 {
            return Err(index.damaged(index.blocks));
        }
        // the first block contains the number of blocks.
        index.block(0).map(|_| index)
    }

    /// The first bytes of the batches that may contain `key`.
    ///
    /// # Errors
    /// When the index is damaged or cannot be read.
    pub(in crate::store) fn batches_with(&self, key: u128) -> Result<Vec<u64>, StoreError> {
        let key = upper_half(key);
        let (mut from, mut to) = (0, self.blocks);
        while from < to {
            let middle = from.midpoint(to);
            let before = self.block(middle)?.last().is_some_and(|(last, _)| *last < key);
            if before { from = middle + 1 } else { to = middle }
        }
        let mut found = Vec::new();
        for number in from..self.blocks {
            let entries = self.block(number)?;
            found.extend(entries.iter().filter(|(held, _)| *held == key).map(|(_, at)| *at));
            if entries.last().is_some_and(|(last, _)| *last > key) {
                break;
            }
        }
        Ok(found)
    }

    /// All entries, in order.
    ///
    /// # Errors
    /// When the index is damaged or cannot be read.
    pub(in crate::store) fn all(&self) -> Result<Vec<KeyInBatch>, StoreError> {
        let mut all = Vec::new();
        for number in 0..self.blocks {
            all.extend(self.block(number)?);
        }
        Ok(all)
    }

    fn block(&self, number: u64) -> Result<Vec<KeyInBatch>, StoreError> {
        let mut bytes = [0; BLOCK];
        let read = self.file.read_exact_at(&mut bytes, number * BLOCK as u64);
        read.map_err(StoreError::io("reading", &self.path))?;
        let word = |at: usize| u64::from_le_bytes(bytes[at..][..8].try_into().expect("8 bytes"));
        let half = |at: usize| u32::from_le_bytes(bytes[at..][..4].try_into().expect("4 bytes"));
        if half(0) != crc32fast::hash(&bytes[4..]) || word(8) != self.blocks {
            return Err(self.damaged(number));
        }
        let entries = ENTRIES.step_by(ENTRY).take(half(4) as usize);
        Ok(entries.map(|at| (word(at), word(at + 8))).collect())
    }

    fn damaged(&self, block: u64) -> StoreError {
        StoreError::Damaged {
            path: self.path.clone(),
            at: block * BLOCK as u64,
            detail: "the key index; remove the file, and the next run writes it again".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_every_batch_of_a_key_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("000-000000.keys");
        // keys 0 to 999 in two batches each, one key in enough batches for several blocks.
        let mut keys: Vec<KeyInBatch> = (0..2000).map(|n| (n % 1000 * 10, n / 1000 * 7)).collect();
        keys.extend((0..1000).map(|batch| (5005, batch)));
        write(&path, keys.iter().copied().chain(keys.iter().copied()).collect()).unwrap();
        let index = KeyIndex::open(&path).unwrap();
        let found = |key: u64| index.batches_with(u128::from(key) << 64 | 99).unwrap();
        for key in 0..1000 {
            assert_eq!(found(key * 10), [0, 7], "{key}");
        }
        assert_eq!(found(5005), (0..1000).collect::<Vec<_>>());
        assert!([1, 5004, 9999, u64::MAX].into_iter().all(|key| found(key).is_empty()));
        keys.sort_unstable();
        assert_eq!(index.all().unwrap(), keys);
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("000-000000.keys");
        write(&path, (0..600).map(|n| (n * 3, n)).collect()).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let is_damaged = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            let read = KeyIndex::open(&path).and_then(|index| index.all());
            matches!(read, Err(StoreError::Damaged { .. }))
        };
        assert!(!is_damaged(&bytes));
        for at in (0..bytes.len()).step_by(37) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at % 8);
            assert!(is_damaged(&flipped), "byte {at}");
        }
        for length in [0, 1, BLOCK, BLOCK + 1, bytes.len() - 1] {
            assert!(is_damaged(&bytes[..length]), "{length} bytes");
        }
    }
}
