//! The columns of JSON messages.

use std::collections::HashMap;

/// The named columns: features first, then the label and the time.
pub(super) struct Slots {
    pub(super) names: Vec<String>,
    pub(super) features: usize,
    pub(super) label: Option<usize>,
    pub(super) time: Option<usize>,
    by_name: HashMap<String, usize>,
    /// The slot that followed each slot in the last message. The last entry is the first member's.
    after: Vec<usize>,
    /// Whether each slot has a value in this message.
    pub(super) filled: Vec<bool>,
}

impl Slots {
    pub(super) fn new(features: &[String], label: Option<&String>, time: Option<&String>) -> Self {
        let names: Vec<String> = features.iter().chain(label).chain(time).cloned().collect();
        let features = features.len();
        let label = label.map(|_| features);
        let time = time.map(|_| features + usize::from(label.is_some()));
        Self {
            by_name: names.iter().cloned().enumerate().map(|(slot, name)| (name, slot)).collect(),
            after: (1..names.len()).chain([0, 0]).collect(),
            filled: vec![false; names.len()],
            names,
            features,
            label,
            time,
        }
    }

    /// The slot of member `name`, which follows the member in slot `previous`.
    pub(super) fn find(&mut self, name: &str, previous: usize) -> Option<usize> {
        let guess = self.after[previous];
        if self.names[guess] == name {
            return Some(guess);
        }
        let slot = *self.by_name.get(name)?;
        self.after[previous] = slot;
        Some(slot)
    }
}
