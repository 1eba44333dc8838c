use driftmill_operators::Id;

/// One entry of a segment's index: a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct IndexEntry {
    /// First byte in the segment.
    pub(super) at: u64,
    /// Bytes.
    pub(super) len: u64,
    pub(super) first: Id,
    pub(super) last: Id,
    pub(super) rows: u32,
    /// CRC-32 of the bytes.
    pub(super) checksum: u32,
}

impl IndexEntry {
    /// Bytes of an entry: four numbers of 64 bits and two of 32, little-endian.
    pub(super) const LEN: usize = 40;

    pub(super) fn bytes(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        for (i, word) in [self.at, self.len, self.first.0, self.last.0].into_iter().enumerate() {
            bytes[i * 8..][..8].copy_from_slice(&word.to_le_bytes());
        }
        bytes[32..36].copy_from_slice(&self.rows.to_le_bytes());
        bytes[36..].copy_from_slice(&self.checksum.to_le_bytes());
        bytes
    }

    pub(super) fn parse(bytes: &[u8; Self::LEN]) -> Self {
        let word = |i: usize| {
            u64::from_le_bytes(bytes[i * 8..][..8].try_into().expect("eight bytes of forty"))
        };
        let half = |at: usize| {
            u32::from_le_bytes(bytes[at..][..4].try_into().expect("four bytes of forty"))
        };
        Self {
            at: word(0),
            len: word(1),
            first: Id(word(2)),
            last: Id(word(3)),
            rows: half(32),
            checksum: half(36),
        }
    }
}
