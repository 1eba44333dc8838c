//! The calibration phase of a drift trigger.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::Id;
use crate::drift::window::{Item, Windows};

/// Windows of the warm-up for criteria that use earlier values. They are compared as soon as there is a
/// model.
///
/// At each interval of the warm-up the windows move as if a model had been trained. The resulting reference
/// windows, the newest of them, are later compared with the current window of the last interval.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Calibration {
    /// Maximum number of windows that are kept: the length of a history.
    most: usize,
    past: VecDeque<VecDeque<Item>>,
    current: VecDeque<Item>,
}

impl Calibration {
    pub(super) fn new(most: usize) -> Self {
        Self { most, ..Self::default() }
    }

    /// Adds the windows at the end of an interval of the warm-up.
    pub(super) fn observe(&mut self, windows: &mut Windows, last: bool) {
        if self.most == 0 {
            return;
        }
        if !windows.reference().is_empty() {
            self.past.push_back(windows.reference().clone());
            let surplus = self.past.len().saturating_sub(self.most);
            self.past.drain(..surplus);
        }
        if last {
            self.current.clone_from(windows.current());
        } else {
            windows.trained();
        }
    }

    /// Leaves out the last comparison, because it is made in any case.
    pub(super) fn without_last(&mut self) {
        self.past.pop_back();
    }

    /// Takes the current window of the last interval and the earlier reference windows, oldest first.
    /// Nothing is left afterwards.
    pub(super) fn take(&mut self) -> (VecDeque<Item>, VecDeque<VecDeque<Item>>) {
        (std::mem::take(&mut self.current), std::mem::take(&mut self.past))
    }

    pub(super) fn retract(&mut self, id: Id) {
        let windows = self.past.iter_mut().chain([&mut self.current]);
        windows.for_each(|items| items.retain(|(_, held)| *held != id));
    }

    pub(super) fn items(&self) -> impl Iterator<Item = &Item> {
        self.past.iter().flatten().chain(&self.current)
    }
}
