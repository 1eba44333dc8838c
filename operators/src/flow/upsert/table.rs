//! The current message of each key.

use crate::Position;

/// Number of parts of a table. The highest bits of a key choose its part. Parts grow separately, so that
/// growth never takes much time or memory at once.
const PARTS: usize = 256;

/// The newest sample of each key.
///
/// Keys are hashes and therefore evenly distributed. Each part is an array in the order of keys, with gaps.
/// The share of a key in the range of keys is the place of its entry in the array; if that place is taken,
/// the entry is soon after it (linear probing with ordered keys; Amble and Knuth, *Ordered hash tables*,
/// 1974). A place takes 36 bytes, and a part grows by a quarter when more than 80 % of its places are
/// taken: 45 to 56 bytes a key.
pub(super) struct Table {
    parts: Vec<Part>,
}

/// The position and the label of a key's sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Held {
    pub(super) position: Position,
    pub(super) label: Label,
}

/// A sample's class and the origin of its label, in 32 bits: no model has 2³¹ classes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Label(u32);

impl Label {
    /// Set in labels that arrived separately.
    const GIVEN: u32 = 1 << 31;

    /// A label that is part of the sample's own message.
    pub(super) fn own(class: Option<u32>) -> Self {
        Self(class.map_or(0, |class| class + 1))
    }

    /// A label that arrived separately.
    pub(super) fn given(class: Option<u32>) -> Self {
        Self(class.map_or(0, |class| (class + 1) | Self::GIVEN))
    }

    /// The class.
    pub(super) fn class(self) -> Option<u32> {
        (self.0 & !Self::GIVEN).checked_sub(1)
    }

    /// The class, if the label arrived separately.
    pub(super) fn class_given(self) -> Option<u32> {
        self.class().filter(|_| self.0 & Self::GIVEN != 0)
    }
}

impl Table {
    pub(super) fn new() -> Self {
        Self { parts: (0..PARTS).map(|_| Part::default()).collect() }
    }

    /// Prefetches the places of `keys`, so that memory delivers all of them together. Otherwise each change
    /// would wait for memory separately.
    pub(super) fn approach(&self, keys: impl Iterator<Item = u128>) {
        let first_byte = |key| {
            let part = &self.parts[part(key)];
            part.entries.get(part.home(key)).map_or(0, |entry| entry.key[0])
        };
        std::hint::black_box(keys.map(first_byte).fold(0, |all, byte| all ^ byte));
    }

    pub(super) fn get(&self, key: u128) -> Option<Held> {
        let part = &self.parts[part(key)];
        part.find(key).ok().map(|at| part.entries[at].held())
    }

    pub(super) fn set(&mut self, key: u128, held: Held) {
        self.parts[part(key)].set(Entry::new(key, held));
    }

    pub(super) fn remove(&mut self, key: u128) -> Option<Held> {
        self.parts[part(key)].remove(key)
    }
}

fn part(key: u128) -> usize {
    (key >> 120) as usize
}

/// A place: key, position and label. No key is 0, which marks an empty place.
#[derive(Clone, Copy)]
struct Entry {
    key: [u8; 16],
    position: [u8; 16],
    label: [u8; 4],
}

impl Entry {
    const EMPTY: Self = Self { key: [0; 16], position: [0; 16], label: [0; 4] };

    fn new(key: u128, held: Held) -> Self {
        Self {
            key: key.to_le_bytes(),
            position: held.position.to_le_bytes(),
            label: held.label.0.to_le_bytes(),
        }
    }

    fn key(&self) -> u128 {
        u128::from_le_bytes(self.key)
    }

    fn held(&self) -> Held {
        Held {
            position: Position::from_le_bytes(self.position),
            label: Label(u32::from_le_bytes(self.label)),
        }
    }
}

#[derive(Default)]
struct Part {
    /// Entries in the order of keys, with gaps. There are more than `places`, because the last entries may
    /// be displaced.
    entries: Vec<Entry>,
    places: usize,
    taken: usize,
}

impl Part {
    /// The preferred index of the key's entry.
    fn home(&self, key: u128) -> usize {
        // the bits after those that chose the part, as a share of all places.
        let share = (key >> 56) as u64;
        ((u128::from(share) * self.places as u128) >> 64) as usize
    }

    /// The index of the key's entry, or the index at which to insert it.
    fn find(&self, key: u128) -> Result<usize, usize> {
        let mut at = self.home(key);
        while let Some(entry) = self.entries.get(at) {
            let held = entry.key();
            if held == key {
                return Ok(at);
            }
            if held == 0 || held > key {
                break;
            }
            at += 1;
        }
        Err(at)
    }

    fn set(&mut self, entry: Entry) {
        match self.find(entry.key()) {
            Ok(at) => self.entries[at] = entry,
            Err(at) => {
                let gap = self.gap(at).filter(|_| (self.taken + 1) * 5 <= self.places * 4);
                let Some(gap) = gap else {
                    self.grow();
                    return self.set(entry);
                };
                self.entries.copy_within(at..gap, at + 1);
                self.entries[at] = entry;
                self.taken += 1;
            }
        }
    }

    /// The first empty place from `at` on.
    fn gap(&self, at: usize) -> Option<usize> {
        (at..self.entries.len()).find(|at| self.entries[*at].key() == 0)
    }

    fn remove(&mut self, key: u128) -> Option<Held> {
        let at = self.find(key).ok()?;
        let held = self.entries[at].held();
        // displaced entries after it move up.
        let stays = |at: &usize| match self.entries[*at].key() {
            0 => true,
            key => self.home(key) == *at,
        };
        let end = (at + 1..self.entries.len()).find(stays).unwrap_or(self.entries.len());
        self.entries.copy_within(at + 1..end, at);
        self.entries[end - 1] = Entry::EMPTY;
        self.taken -= 1;
        Some(held)
    }

    fn grow(&mut self) {
        let old = std::mem::take(&mut self.entries);
        self.places += (self.places / 4).max(8);
        loop {
            // displacement grows with the load and hardly with the size: this bound is almost never
            // exceeded.
            let behind = 8 + (self.places / 4).min(56);
            self.entries = vec![Entry::EMPTY; self.places + behind];
            let mut next = 0;
            let fits = old.iter().filter(|entry| entry.key() != 0).all(|entry| {
                let at = self.home(entry.key()).max(next);
                next = at + 1;
                self.entries.get_mut(at).map(|place| *place = *entry).is_some()
            });
            if fits {
                return;
            }
            self.places += self.places / 4;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use std::collections::HashMap;

    use super::*;
    use crate::Id;

    #[test]
    fn labels_record_their_source() {
        for class in [None, Some(0), Some(7)] {
            assert_eq!((Label::own(class).class(), Label::own(class).class_given()), (class, None));
            assert_eq!(Label::given(class).class_given(), class);
        }
    }

    proptest! {
        /// Few parts and many equal high bits, so that keys compete for places.
        #[test]
        fn a_table_is_a_map(
            steps in prop::collection::vec((0u128..2, 0u128..40, 0u128..40, 0u8..4), 0..1500)
        ) {
            let (mut table, mut map) = (Table::new(), HashMap::new());
            for (number, (part, high, low, kind)) in steps.into_iter().enumerate() {
                let key = part << 120 | high << 112 | (low + 1);
                let held = Held { position: Position::new(0, Id(number as u64)), label: Label::own(None) };
                if kind == 0 {
                    prop_assert_eq!(table.remove(key), map.remove(&key));
                } else {
                    table.set(key, held);
                    map.insert(key, held);
                }
                prop_assert_eq!(table.get(key), map.get(&key).copied());
            }
            for (key, held) in map {
                prop_assert_eq!(table.get(key), Some(held));
            }
        }
    }
}
