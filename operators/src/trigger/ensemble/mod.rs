//! Triggers that vote.

mod config;
mod voting;

pub use config::{Ensemble, Votes};

use self::voting::EnsembleTrigger;
use super::{Stable, Trigger, TriggerConfig};

pub(super) const EXAMPLE: &str = "members.often.amount = { every = 2500 }
members.drifted.drift = { every = 250, metrics.ks = { threshold = 0.3 }, on = \"features\", \
windows.amount = { reference = 1000, current = 500 } }";

impl TriggerConfig for Ensemble {
    fn init(&self) -> Box<dyn Trigger> {
        Box::new(EnsembleTrigger::new(self))
    }

    fn check(&self) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        if self.members.is_empty() {
            let wanted = "name at least one, as in members.often.amount = { every = 1000 }";
            problems.push(("members", wanted.to_owned()));
        } else {
            problems.extend(self.vote.check(self.members.len()).map(|problem| ("vote", problem)));
        }
        problems.extend(self.of_members(|table| table.check()));
        problems
    }

    fn check_shadow(&self) -> Vec<(&'static str, String)> {
        self.of_members(|table| table.check_shadow())
    }

    fn stable(&self) -> Stable<'_> {
        Stable::Members(self.members.iter().map(|(name, table)| (&**name, table)).collect())
    }
}
