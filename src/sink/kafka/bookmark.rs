//! The offsets from which the topic of versions must be read back.

use std::collections::BTreeMap;
use std::fmt;

/// For each partition, the offset from which it is read. Partitions without an offset are read from the
/// beginning.
///
/// A bookmark is written as JSON: `{"0":17}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bookmark(BTreeMap<i32, i64>);

impl Bookmark {
    /// Reads a recorded bookmark. An invalid one counts as none, so that everything is read.
    pub(super) fn read(text: &str) -> Self {
        Self(serde_json::from_str(text).unwrap_or_default())
    }

    /// The offset from which `partition` is read; none for the beginning.
    pub(super) fn of(&self, partition: i32) -> Option<i64> {
        self.0.get(&partition).copied()
    }

    /// The partitions with an offset.
    pub(super) fn offsets(&self) -> impl Iterator<Item = (i32, i64)> {
        self.0.iter().map(|(partition, offset)| (*partition, *offset))
    }

    /// Records that everything before `offset` is known.
    pub(super) fn reach(&mut self, partition: i32, offset: i64) {
        self.0.insert(partition, offset);
    }
}

impl fmt::Display for Bookmark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(&self.0).expect("numbers are plain data"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_values_are_read_back() {
        let mut bookmark = Bookmark::default();
        bookmark.reach(0, 17);
        bookmark.reach(11, 3);
        assert_eq!(bookmark.to_string(), r#"{"0":17,"11":3}"#);
        assert_eq!(Bookmark::read(&bookmark.to_string()), bookmark);
        assert_eq!(Bookmark::read("nonsense"), Bookmark::default());
    }
}
