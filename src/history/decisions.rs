//! The evaluations and decisions of policies.

use driftmill_operators::flow::{ShadowDecision, TriggerEvaluation};
use driftmill_operators::trigger::{Measurement, Score, WindowBounds};
use serde::Serialize;

use super::{History, HistoryError};
use crate::catalog::{DecisionRecord, Place};
use crate::config::SHADOWS;

/// A trigger evaluation of a policy, or a decision without one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// The pipeline's name, or that of the comparison or shadow.
    pub name: String,
    /// Whether the policy is a shadow, which trains nothing.
    pub shadow: bool,
    /// The policy's key in the pipeline file.
    pub policy: String,
    /// The position of the change at which it was made.
    pub position: Place,
    /// Whether the policy decided to train, or would have decided so.
    pub fired: bool,
    /// The number of that decision: 0, 1, 2, …
    pub trigger: Option<u64>,
    /// The reason of the decision.
    pub reason: Option<String>,
    /// The measured values.
    pub scores: Vec<Score>,
    /// The compared samples.
    pub windows: Vec<WindowBounds>,
    /// For a combined policy, its members' evaluations; for a warm-up, comparisons that only begin the
    /// history.
    pub members: Vec<Measurement>,
    /// The queried version; none without a query.
    pub model: Option<u64>,
    /// Duration of the evaluation, in wall-clock time.
    pub milliseconds: Option<f64>,
    /// The outcome of the decision.
    pub outcome: Option<Trained>,
}

/// The outcome of a decision.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trained {
    /// Number of samples in the training set.
    pub samples: u64,
    /// The resulting version.
    pub version: Option<u64>,
    /// The error of a failed training.
    pub error: Option<String>,
    /// Duration of the training, in wall-clock time; none before it ends.
    pub seconds: Option<f64>,
}

impl History {
    /// The evaluations and decisions of each policy, in order: the pipeline's own, those of comparisons,
    /// those of shadows.
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
        let mut evaluations = self.catalog.trigger_evaluations(policy)?.into_iter().peekable();
        let mut all = Vec::new();
        for decision in self.decisions_of(policy)? {
            let before =
                |it: &TriggerEvaluation| (it.trigger, it.decides) < (decision.number, true);
            while let Some(earlier) = evaluations.next_if(before) {
                all.push(self.evaluation(policy, &earlier));
            }
            let own = evaluations.next_if(|own| own.trigger == decision.number);
            let evaluation = own.map(|own| self.evaluation(policy, &own));
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
        // the evaluation that led to a decision can be recorded before the decision.
        all.extend(evaluations.map(|later| self.evaluation(policy, &later)));
        Ok(all)
    }

    fn decisions_of(&self, policy: &str) -> Result<Vec<Decision>, HistoryError> {
        if policy.starts_with(SHADOWS) {
            let decisions = self.catalog.shadow_decisions(policy, None)?;
            return Ok(decisions.into_iter().map(|made| self.shadow_decision(made)).collect());
        }
        let decisions = self.catalog.decisions(policy, None)?;
        Ok(decisions.into_iter().map(|record| self.decision(record)).collect())
    }

    fn shadow_decision(&self, decision: ShadowDecision) -> Decision {
        Decision {
            number: decision.number,
            place: self.place(decision.position),
            policy: decision.reason.policy,
            reason: decision.reason.text,
            outcome: None,
        }
    }

    fn decision(&self, record: DecisionRecord) -> Decision {
        let outcome = record.outcome;
        let seconds = outcome.as_ref().map(|outcome| outcome.seconds);
        let (version, error) =
            outcome.map_or((None, None), |outcome| (outcome.version, outcome.error));
        Decision {
            number: record.decision.trigger,
            place: self.place(record.decision.position),
            policy: record.decision.reason.policy,
            reason: record.decision.reason.text,
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

    fn evaluation(&self, policy: &str, evaluation: &TriggerEvaluation) -> Evaluation {
        let Measurement { policy: kind, member: _, scores, windows, members } =
            evaluation.measurement.clone();
        Evaluation {
            policy: kind,
            fired: evaluation.decides,
            trigger: evaluation.decides.then_some(evaluation.trigger),
            scores,
            windows,
            members,
            model: evaluation.version,
            milliseconds: Some(evaluation.seconds * 1000.0),
            ..self.blank(policy, self.place(evaluation.position))
        }
    }
}

/// A decision of a branch or of a shadow.
struct Decision {
    number: u64,
    place: Place,
    policy: String,
    reason: String,
    outcome: Option<Trained>,
}
