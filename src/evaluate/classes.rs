//! Counts of the classes of a stream.

use std::collections::BTreeMap;

use driftmill_operators::flow::Class;
use serde::Serialize;

/// Number of current samples of each class, in intervals of event time.
#[derive(Clone, Debug, Default)]
pub struct ClassCounts {
    counts: BTreeMap<Class, i64>,
}

/// The classes of an interval of event time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Classes {
    /// The first millisecond since 1970; none if there is one interval for the whole stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<i64>,
    /// The first millisecond after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<i64>,
    /// Samples of each class.
    pub counts: BTreeMap<u32, u64>,
    /// Samples whose class is not known.
    pub unlabelled: u64,
}

impl ClassCounts {
    /// Changes a count. The order of changes does not matter.
    pub fn add(&mut self, &(class, by): &(Class, i64)) {
        let count = self.counts.entry(class).or_default();
        *count += by;
        if *count == 0 {
            self.counts.remove(&class);
        }
    }

    /// The counts, with intervals of `length` milliseconds; none for a single one.
    pub fn results(&self, length: Option<i64>) -> Vec<Classes> {
        let mut results: BTreeMap<i64, Classes> = BTreeMap::new();
        for (&(number, class), &count) in &self.counts {
            let found = results.entry(number).or_insert_with(|| Classes {
                start: length.map(|length| number.saturating_mul(length)),
                end: length.map(|length| number.saturating_add(1).saturating_mul(length)),
                counts: BTreeMap::new(),
                unlabelled: 0,
            });
            match class {
                // no count is below zero after all changes.
                Some(class) => drop(found.counts.insert(class, count as u64)),
                None => found.unlabelled = count as u64,
            }
        }
        results.into_values().collect()
    }
}
