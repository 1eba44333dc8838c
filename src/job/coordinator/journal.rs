//! The journal: the actions of policies since the last commit.

use std::collections::BTreeMap;

use driftmill_operators::flow::{ShadowDecision, TriggerCheckpoint, TriggerEvaluation};

use super::command::PolicyId;
use crate::catalog::PolicyEntry;
use crate::job::Context;
use crate::job::branch::history::BranchHistory;

/// The journal of one policy.
#[derive(Default)]
pub(in crate::job) struct Entries {
    /// Its state between decisions.
    pub(in crate::job) checkpoint: Option<TriggerCheckpoint>,
    /// Its evaluations since the last commit.
    pub(in crate::job) trigger_evaluations: Vec<TriggerEvaluation>,
    /// Its decisions, if it is a shadow.
    pub(in crate::job) shadow_decisions: Vec<ShadowDecision>,
}

/// The journal of all policies.
#[derive(Default)]
pub(in crate::job) struct Journal(BTreeMap<PolicyId, Entries>);

impl Journal {
    /// The entries of a policy, for additions.
    pub(in crate::job) fn entries(&mut self, policy: PolicyId) -> &mut Entries {
        self.0.entry(policy).or_default()
    }

    fn iter(&self) -> impl Iterator<Item = (PolicyId, &Entries)> {
        self.0.iter().map(|(policy, entries)| (*policy, entries)).filter(|(_, it)| !it.is_empty())
    }

    /// The entries to record, with the evaluation of each branch.
    pub(in crate::job) fn policy_entries<'a>(
        &'a self,
        context: &'a Context,
        histories: &[BranchHistory],
    ) -> Vec<PolicyEntry<'a>> {
        let entry = |(policy, entries): (PolicyId, &'a Entries)| {
            let (name, branch) = match policy {
                PolicyId::Branch(number) => (&context.branches[number].name, Some(number)),
                PolicyId::Shadow(number) => (&context.shadows[number].key, None),
            };
            let moved = branch.filter(|_| entries.checkpoint.is_some());
            PolicyEntry {
                policy: name,
                checkpoint: entries.checkpoint.as_ref(),
                evaluation: moved
                    .map(|number| histories[number].evaluation(&context.branches[number], context)),
                trigger_evaluations: &entries.trigger_evaluations,
                shadow_decisions: &entries.shadow_decisions,
            }
        };
        self.iter().map(entry).collect()
    }

    /// Removes all entries, after they were recorded.
    pub(in crate::job) fn recorded(&mut self) {
        self.0.clear();
    }
}

impl Entries {
    fn is_empty(&self) -> bool {
        self.checkpoint.is_none()
            && self.trigger_evaluations.is_empty()
            && self.shadow_decisions.is_empty()
    }
}
