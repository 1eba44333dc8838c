//! What policies saw and decided.

use driftmill_operators::flow::{ShadowDecision, TriggerEvaluation};
use driftmill_operators::trigger::{Measurement, Score, WindowBounds};
use serde::Serialize;

use super::{History, HistoryError};
use crate::catalog::{DecisionRecord, Place};
use crate::config::SHADOWS;

/// A policy's evaluation of its criteria, or a decision that took none.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// The pipeline's name, or that of the comparison or shadow.
    pub name: String,
    /// Whether it is a policy that trains nothing.
    pub shadow: bool,
    /// The policy's key in the pipeline file.
    pub policy: String,
    /// The change at which it was.
    pub position: Place,
    /// Whether it fired: decided to train, or would have.
    pub fired: bool,
    /// The number of that decision: 0, 1, 2, …
    pub trigger: Option<u64>,
    /// Why it fired.
    pub reason: Option<String>,
    /// What was measured.
    pub scores: Vec<Score>,
    /// Which samples were looked at.
    pub windows: Vec<WindowBounds>,
    /// Of a combined policy, its members' evaluations; of a warm-up, comparisons that only fill the
    /// history.
    pub members: Vec<Measurement>,
    /// The version that was asked; none where nothing was asked.
    pub model: Option<u64>,
    /// From the first question to the conclusion, by the clock.
    pub milliseconds: Option<f64>,
    /// What became of the decision.
    pub outcome: Option<Trained>,
}

/// What became of a decision.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trained {
    /// Samples in the training set.
    pub samples: u64,
    /// The version that was made.
    pub version: Option<u64>,
    /// Why none was made, where a training failed.
    pub error: Option<String>,
    /// How long the training took, by the clock; none while it is not over.
    pub seconds: Option<f64>,
}

impl History {
    /// What each policy saw and decided, in order: the pipeline's own, those it is compared with,
    /// shadows.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn evaluations(&self) -> Result<Vec<Vec<Evaluation>>, HistoryError> {
        let observers = self.catalog.observers()?;
        let (shadows, branches): (Vec<_>, Vec<_>) =
            observers.iter().partition(|policy| policy.starts_with(SHADOWS));
        branches.into_iter().chain(shadows).map(|policy| self.evaluations_of(policy)).collect()
    }

    fn evaluations_of(&self, policy: &str) -> Result<Vec<Evaluation>, HistoryError> {
        let mut looks = self.catalog.looks(policy)?.into_iter().peekable();
        let mut all = Vec::new();
        for decision in self.fired_by(policy)? {
            while let Some(looked) =
                looks.next_if(|looked| (looked.trigger, looked.decides) < (decision.number, true))
            {
                all.push(self.evaluation(policy, &looked));
            }
            let looked = looks.next_if(|looked| looked.trigger == decision.number);
            let evaluation = looked.map(|looked| self.evaluation(policy, &looked));
            let evaluation = evaluation.unwrap_or_else(|| Evaluation {
                policy: decision.policy,
                ..self.blank(policy, decision.place)
            });
            all.push(Evaluation {
                fired: true,
                trigger: Some(decision.number),
                reason: Some(decision.reason),
                outcome: decision.outcome,
                ..evaluation
            });
        }
        // a decision whose record is still to come is known by its look.
        all.extend(looks.map(|looked| self.evaluation(policy, &looked)));
        Ok(all)
    }

    fn fired_by(&self, policy: &str) -> Result<Vec<Decision>, HistoryError> {
        if policy.starts_with(SHADOWS) {
            let fired = self.catalog.shadow_decisions(policy, None)?;
            return Ok(fired.into_iter().map(|fired| self.would_be(fired)).collect());
        }
        let decisions = self.catalog.decisions(policy, None)?;
        Ok(decisions.into_iter().map(|record| self.decision(record)).collect())
    }

    fn would_be(&self, fired: ShadowDecision) -> Decision {
        Decision {
            number: fired.number,
            place: self.place(fired.position),
            policy: fired.reason.policy,
            reason: fired.reason.text,
            outcome: None,
        }
    }

    fn decision(&self, record: DecisionRecord) -> Decision {
        let outcome = record.outcome;
        let seconds = outcome.as_ref().map(|outcome| outcome.seconds);
        let (version, error) =
            outcome.map_or((None, None), |outcome| (outcome.version, outcome.error));
        Decision {
            number: record.decided.trigger,
            place: self.place(record.decided.position),
            policy: record.decided.reason.policy,
            reason: record.decided.reason.text,
            outcome: Some(Trained { samples: record.samples, version, error, seconds }),
        }
    }

    fn blank(&self, policy: &str, position: Place) -> Evaluation {
        let shadow = policy.strip_prefix(SHADOWS);
        Evaluation {
            name: shadow.unwrap_or_else(|| self.name_of(policy)).to_owned(),
            shadow: shadow.is_some(),
            policy: String::new(),
            position,
            fired: false,
            trigger: None,
            reason: None,
            scores: Vec::new(),
            windows: Vec::new(),
            members: Vec::new(),
            model: None,
            milliseconds: None,
            outcome: None,
        }
    }

    fn evaluation(&self, policy: &str, looked: &TriggerEvaluation) -> Evaluation {
        let Measurement { policy: kind, member: _, scores, windows, members } =
            looked.measurement.clone();
        Evaluation {
            policy: kind,
            fired: looked.decides,
            trigger: looked.decides.then_some(looked.trigger),
            scores,
            windows,
            members,
            model: looked.version,
            milliseconds: Some(looked.seconds * 1000.0),
            ..self.blank(policy, self.place(looked.position))
        }
    }
}

/// A decision, or where a shadow fired.
struct Decision {
    number: u64,
    place: Place,
    policy: String,
    reason: String,
    outcome: Option<Trained>,
}
