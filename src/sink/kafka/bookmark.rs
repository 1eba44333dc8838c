//! The offsets from which the topic of versions has to be read back.

use std::collections::BTreeMap;
use std::fmt;

/// Per partition the offset from which on it is read; all others are read from their beginning.
///
/// Written as JSON, `{"0":17}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bookmark(BTreeMap<i32, i64>);

impl Bookmark {
    /// Reads a bookmark that was recorded. An invalid one counts as none: everything is read.
    pub(super) fn read(text: &str) -> Self {
        Self(serde_json::from_str(text).unwrap_or_default())
    }

    /// The offset from which `partition` is read, if it is not the beginning.
    pub(super) fn of(&self, partition: i32) -> Option<i64> {
        self.0.get(&partition).copied()
    }

    /// Everything before `offset` is known.
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
    fn what_is_written_is_read() {
        let mut bookmark = Bookmark::default();
        bookmark.reach(0, 17);
        bookmark.reach(11, 3);
        assert_eq!(bookmark.to_string(), r#"{"0":17,"11":3}"#);
        assert_eq!(Bookmark::read(&bookmark.to_string()), bookmark);
        assert_eq!(Bookmark::read("nonsense"), Bookmark::default());
    }
}
