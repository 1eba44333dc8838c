//! Counts of invalid messages by the class of their error.

use std::collections::BTreeMap;

use super::DeadLetter;

/// Counts of invalid messages since the start, by the class of their error.
#[derive(Default)]
pub(super) struct Tally(BTreeMap<String, Class>);

#[derive(Default)]
struct Class {
    messages: u64,
    /// Bytes of dead letters that were kept.
    bytes: u64,
    /// The reason of the first.
    reason: String,
    /// Whether further ones are only counted.
    full: bool,
}

/// The most frequent class of errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MostFrequentError {
    /// The class.
    pub class: String,
    /// Number of messages with it.
    pub messages: u64,
    /// The reason of the first of them.
    pub reason: String,
}

impl Tally {
    /// Counts an invalid message. Returns whether its dead letter is kept, which is so for the first `most`
    /// bytes of its class.
    pub(super) fn admit(&mut self, dead_letter: &DeadLetter, most: u64) -> bool {
        let class = self.0.entry(dead_letter.error.clone()).or_default();
        if class.messages == 0 {
            class.reason.clone_from(&dead_letter.reason);
        }
        class.messages += 1;
        let bytes = dead_letter.payload.len() + dead_letter.key.as_ref().map_or(0, Vec::len);
        let bytes = class.bytes + (bytes + dead_letter.reason.len()) as u64;
        if !class.full && bytes > most {
            class.full = true;
            tracing::warn!(
                "dead letters with error `{}` have {most} bytes (`dead_letters.max_bytes`): further \
                 ones are only counted",
                dead_letter.error
            );
        }
        if !class.full {
            class.bytes = bytes;
        }
        !class.full
    }

    /// The most frequent class, if there are messages.
    pub(super) fn most_frequent(&self) -> Option<MostFrequentError> {
        let (class, found) = self.0.iter().max_by_key(|(_, class)| class.messages)?;
        Some(MostFrequentError {
            class: class.clone(),
            messages: found.messages,
            reason: found.reason.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_has_its_own_bound() {
        let mut tally = Tally::default();
        assert_eq!(tally.most_frequent(), None);
        let mut admit = |error: &str, bytes: usize| {
            let payload = vec![0; bytes];
            let dead_letter = DeadLetter { error: error.into(), payload, ..DeadLetter::default() };
            tally.admit(&dead_letter, 10)
        };
        assert_eq!([admit("a", 6), admit("a", 6), admit("a", 1)], [true, false, false]);
        assert_eq!([admit("b", 10), admit("b", 1)], [true, false]);
        let most_frequent = tally.most_frequent().unwrap();
        assert_eq!((&*most_frequent.class, most_frequent.messages), ("a", 3));
    }
}
