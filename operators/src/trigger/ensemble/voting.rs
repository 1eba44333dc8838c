//! The votes of the members of an ensemble.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::config::{Ensemble, Votes};
use crate::trigger::{Cut, Firing, Measurement, Outcome, Question, Reason, Score, Step, Trigger};
use crate::{Change, Id, Matrix, Snapshot, SnapshotError, restore};

const POLICY: &str = "ensemble";

/// The running [`Ensemble`].
pub(super) struct EnsembleTrigger {
    config: Ensemble,
    members: Vec<Member>,
    state: State,
}

struct Member {
    name: String,
    trigger: Box<dyn Trigger>,
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct State {
    /// The valid votes, by the index of the member.
    cast: BTreeMap<usize, Vote>,
    /// Evaluations at the current change.
    measurements: Vec<Measurement>,
    /// Whether a member evaluated or voted at the current change.
    heard: bool,
    /// The change that not all members have seen yet, and the member that asked a question about it.
    asked: Option<(Change, usize)>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Vote {
    /// The member's reason.
    text: String,
    /// Whether the vote is from a measurement.
    evaluations: bool,
}

impl EnsembleTrigger {
    pub(super) fn new(config: &Ensemble) -> Self {
        let members = config.members.iter();
        let member =
            members.map(|(name, table)| Member { name: name.clone(), trigger: table.init() });
        Self { members: member.collect(), config: config.clone(), state: State::default() }
    }

    /// Shows the change to the members from `first` on, up to one that asks a question.
    fn show(&mut self, change: &Change, first: usize) -> Step {
        for place in first..self.members.len() {
            let step = self.members[place].trigger.observe(change);
            if let Some(question) = self.hear(place, step) {
                self.state.asked = Some((*change, place));
                return Step::Ask(question);
            }
        }
        self.conclude()
    }

    /// Processes the step of a member. Returns its question, if it has one.
    fn hear(&mut self, place: usize, step: Step) -> Option<Question> {
        match step {
            Step::Continue => {}
            Step::Ask(question) => return Some(question),
            Step::Measured(measurement) => {
                if self.config.votes == Votes::Evaluation {
                    self.state.cast.remove(&place);
                }
                self.state.measurements.push(self.named(place, measurement));
                self.state.heard = true;
            }
            Step::Fire(decision) => self.vote(place, decision),
        }
        None
    }

    fn vote(&mut self, place: usize, Firing { reason, measurement, .. }: Firing) {
        let vote = Vote { text: reason.text, evaluations: measurement.is_some() };
        self.state.cast.insert(place, vote);
        let measurement = measurement.map(|measurement| self.named(place, measurement));
        self.state.measurements.extend(measurement);
        self.state.heard = true;
    }

    fn named(&self, place: usize, measurement: Measurement) -> Measurement {
        Measurement { member: Some(self.members[place].name.clone()), ..measurement }
    }

    /// The step after all members have observed the change.
    fn conclude(&mut self) -> Step {
        if !self.state.heard {
            return Step::Continue;
        }
        if let Some(decision) = self.decide(Cut::After) {
            return Step::Fire(decision);
        }
        let measurement = self.measurement();
        if self.config.votes == Votes::Evaluation {
            self.state.cast.retain(|_, vote| vote.evaluations);
        }
        Step::Measured(measurement)
    }

    /// Fires if there are enough votes. The votes then end.
    fn decide(&mut self, cut: Cut) -> Option<Firing> {
        let (votes, of) = (self.state.cast.len(), self.members.len());
        if !self.config.vote.holds(votes, of) {
            return None;
        }
        let named = |(place, vote): (&usize, &Vote)| {
            format!("{} ({})", self.members[*place].name, vote.text)
        };
        let named: Vec<String> = self.state.cast.iter().map(named).collect();
        let reason = Reason {
            policy: POLICY.to_owned(),
            text: format!("{votes} of {of} votes: {}", named.join(", ")),
            score: Some(votes as f64),
            threshold: Some(self.config.vote.least(of) as f64),
        };
        let measurement = self.measurement();
        self.state.cast.clear();
        Some(Firing { cut, ..Firing::measured(reason, measurement) })
    }

    /// The votes at the current change: a score for each member, 1 if its vote counts.
    fn measurement(&mut self) -> Measurement {
        self.state.heard = false;
        let score = |(place, member): (usize, &Member)| {
            let fires = self.state.cast.contains_key(&place);
            let (metric, value) = (member.name.clone(), f64::from(fires));
            Score { metric, value, threshold: None, p_value: None, fires }
        };
        let scores = self.members.iter().enumerate().map(score).collect();
        Measurement {
            scores,
            members: std::mem::take(&mut self.state.measurements),
            ..Measurement::of(POLICY)
        }
    }
}

impl Trigger for EnsembleTrigger {
    fn before(&mut self, change: &Change) -> Option<Firing> {
        // one member may decide several times before a change, with one round for each time.
        loop {
            let mut voted = false;
            for place in 0..self.members.len() {
                if let Some(decision) = self.members[place].trigger.before(change) {
                    self.vote(place, decision);
                    voted = true;
                }
            }
            if !voted {
                return None;
            }
            if let Some(decision) = self.decide(Cut::Before) {
                return Some(decision);
            }
        }
    }

    // one change at a time: otherwise a member would see changes after another member's decision.
    fn observe(&mut self, change: &Change) -> Step {
        match self.before(change) {
            Some(decision) => Step::Fire(decision),
            None => self.show(change, 0),
        }
    }

    fn answer(&mut self, answer: &Matrix) -> Step {
        let Some((change, place)) = self.state.asked.take() else { return Step::Continue };
        let step = self.members[place].trigger.answer(answer);
        if let Some(question) = self.hear(place, step) {
            self.state.asked = Some((change, place));
            return Step::Ask(question);
        }
        self.show(&change, place + 1)
    }

    fn trained(&mut self, outcome: &Outcome) {
        self.members.iter_mut().for_each(|member| member.trigger.trained(outcome));
    }

    fn retained_samples(&self, visit: &mut dyn FnMut(Id)) {
        self.members.iter().for_each(|member| member.trigger.retained_samples(visit));
    }
}

impl Snapshot for EnsembleTrigger {
    fn save(&self) -> Vec<u8> {
        let saved = |member: &Member| (member.name.clone(), member.trigger.save());
        let members: BTreeMap<String, Vec<u8>> = self.members.iter().map(saved).collect();
        (members, self.state.clone()).save()
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), SnapshotError> {
        let (members, state): (BTreeMap<String, Vec<u8>>, State) = restore(saved)?;
        let mut loaded = Self::new(&self.config);
        for Member { name, trigger } in &mut loaded.members {
            // no bytes are not a snapshot.
            trigger.load(members.get(name).map_or(&[], Vec::as_slice))?;
        }
        *self = Self { state, ..loaded };
        Ok(())
    }
}
