//! The index of a segment.

use arrow::buffer::Buffer;
use driftmill_operators::Id;

/// One entry of a segment's index: a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::store) struct IndexEntry {
    /// The first byte in the segment.
    pub(in crate::store) at: u64,
    /// Number of bytes.
    pub(in crate::store) len: u64,
    pub(in crate::store) first: Id,
    pub(in crate::store) last: Id,
    /// Highest event time of the partition up to the last row, in milliseconds since 1970.
    pub(in crate::store) highest: i64,
    pub(in crate::store) rows: u32,
    /// Number of rows that are samples.
    pub(in crate::store) samples: u32,
    /// Number of rows of invalid messages.
    pub(in crate::store) invalid: u32,
    /// Number of late samples.
    pub(in crate::store) late: u32,
    /// CRC-32 of the bytes.
    pub(in crate::store) checksum: u32,
}

impl IndexEntry {
    /// Number of bytes of an entry. They are little-endian: five numbers of 64 bits, five of 32, and the
    /// CRC-32 of all these.
    pub(in crate::store) const LEN: usize = 64;
    /// Number of bytes before the entry's own checksum.
    const SUMMED: usize = 60;

    pub(in crate::store) fn bytes(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        let words = [self.at, self.len, self.first.0, self.last.0, self.highest as u64];
        for (i, word) in words.into_iter().enumerate() {
            bytes[i * 8..][..8].copy_from_slice(&word.to_le_bytes());
        }
        let halves = [self.rows, self.samples, self.invalid, self.late, self.checksum];
        for (i, half) in halves.into_iter().enumerate() {
            bytes[40 + i * 4..][..4].copy_from_slice(&half.to_le_bytes());
        }
        let own = crc32fast::hash(&bytes[..Self::SUMMED]);
        bytes[Self::SUMMED..][..4].copy_from_slice(&own.to_le_bytes());
        bytes
    }

    /// Whether these bytes are intact.
    pub(in crate::store) fn is_of(&self, parts: &[Buffer]) -> bool {
        (length(parts), checksum(parts)) == (self.len, self.checksum)
    }

    /// Reads an entry; none if its bytes are damaged.
    pub(in crate::store) fn parse(bytes: &[u8; Self::LEN]) -> Option<Self> {
        let word = |i: usize| {
            u64::from_le_bytes(bytes[i * 8..][..8].try_into().expect("eight bytes of an entry"))
        };
        let half = |at: usize| {
            u32::from_le_bytes(bytes[at..][..4].try_into().expect("four bytes of an entry"))
        };
        let sound = half(Self::SUMMED) == crc32fast::hash(&bytes[..Self::SUMMED]);
        sound.then(|| Self {
            at: word(0),
            len: word(1),
            first: Id(word(2)),
            last: Id(word(3)),
            highest: word(4) as i64,
            rows: half(40),
            samples: half(44),
            invalid: half(48),
            late: half(52),
            checksum: half(56),
        })
    }
}

/// Number of bytes of the parts of a batch.
pub(in crate::store) fn length(parts: &[Buffer]) -> u64 {
    parts.iter().map(|part| part.len() as u64).sum()
}

/// The checksum of the parts of a batch.
pub(in crate::store) fn checksum(parts: &[Buffer]) -> u32 {
    let mut checksum = crc32fast::Hasher::new();
    parts.iter().for_each(|part| checksum.update(part));
    checksum.finalize()
}
