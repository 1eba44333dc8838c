//! The journal: what policies did since the last commit.

use std::collections::BTreeMap;

use anyhow::Context as _;
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
    /// Its state at a decision whose training set is still being selected.
    open: Option<TriggerCheckpoint>,
    /// Its evaluations until then, and since.
    pub(in crate::job) trigger_evaluations: Vec<TriggerEvaluation>,
    /// Its decisions, if it is a shadow.
    pub(in crate::job) shadow_decisions: Vec<ShadowDecision>,
}

/// The journal of all policies.
#[derive(Default)]
pub(in crate::job) struct Journal(BTreeMap<PolicyId, Entries>);

impl Journal {
    /// The journal of a policy, to be added to.
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

    /// All but open decisions is recorded.
    pub(in crate::job) fn recorded(&mut self) {
        for entries in self.0.values_mut() {
            *entries = Entries { open: entries.open.take(), ..Entries::default() };
        }
    }
}

impl Entries {
    /// Adds a checkpoint: that of a decision, or a newer one between decisions.
    pub(in crate::job) fn checkpoint(&mut self, checkpoint: TriggerCheckpoint) {
        match checkpoint.open {
            Some(_) => self.open = Some(checkpoint),
            None => self.checkpoint = Some(checkpoint),
        }
    }

    /// The checkpoint that was taken with decision `trigger`.
    ///
    /// # Errors
    /// When none was sent before the decision, which is a bug.
    pub(in crate::job) fn open(&self, trigger: u64) -> anyhow::Result<&TriggerCheckpoint> {
        let of =
            |open: &&TriggerCheckpoint| open.open.as_ref().is_some_and(|it| it.trigger == trigger);
        let open = self.open.as_ref().filter(of);
        open.with_context(|| format!("internal error: decision {trigger} has no checkpoint"))
    }

    /// The open decision is recorded, with what came before it.
    pub(in crate::job) fn decided(&mut self) {
        *self = Self {
            shadow_decisions: std::mem::take(&mut self.shadow_decisions),
            ..Self::default()
        };
    }

    fn is_empty(&self) -> bool {
        self.checkpoint.is_none()
            && self.trigger_evaluations.is_empty()
            && self.shadow_decisions.is_empty()
    }
}
