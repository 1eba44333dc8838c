//! The `[downsampling]` table of a pipeline file.

use driftmill_operators::downsampling::DownsamplingTable;
use driftmill_operators::selection::Ratio;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::train::IrreducibleModels;

/// The `[downsampling]` table of a pipeline file: the choice of samples within a training set by a model's
/// outputs.
///
/// ```
/// use driftmill::train::{Downsampling, Mode};
/// let table: Downsampling = toml::from_str(
///     "ratio = 0.5\nwarmup_triggers = 2\n[policy.loss]\n[[schedule]]\nfrom_trigger = 5\nratio = 0.1",
/// ).unwrap();
/// assert!(table.stage(1).is_none());
/// let stage = table.stage(2).unwrap();
/// assert_eq!((stage.ratio.get(), stage.mode, stage.period), (0.5, Mode::SampleThenBatch, 1));
/// assert_eq!(table.stage(7).unwrap().ratio.get(), 0.1);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Downsampling {
    /// The share of samples that is kept, such as `0.25` or `0.005`; at least one sample is kept.
    pub ratio: Ratio,
    /// The set from which samples are chosen: the whole training set, or each batch. Default:
    /// `sample_then_batch`.
    #[serde(default)]
    pub mode: Mode,
    /// With `sample_then_batch`: number of epochs after which samples are chosen again by the current
    /// model; 0 chooses once, before the first epoch. Default: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<u64>,
    /// Number of triggers whose trainings use all samples. Default: 0.
    #[serde(default)]
    pub warmup_triggers: u64,
    /// The policy that chooses samples.
    pub policy: DownsamplingTable,
    /// The irreducible-loss models, for policies that need them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub irreducible: Option<IrreducibleModels>,
    /// Later stages, in the order of triggers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schedule: Vec<Switch>,
}

/// A later stage of downsampling. Keys without a value do not change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Switch {
    /// The first trigger of the stage, counted from the end of the warm-up.
    pub from_trigger: u64,
    /// The new ratio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratio: Option<Ratio>,
    /// The new mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// The new period.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<u64>,
    /// The new policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<DownsamplingTable>,
}

/// The set from which samples are selected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Chooses from the whole training set. Batches are then made of the chosen samples.
    #[default]
    SampleThenBatch,
    /// Chooses from each batch, by the current model. A step is taken when a batch of chosen samples is
    /// complete, and at the end of an epoch.
    BatchThenSample,
}

/// The downsampling of one training.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// The share of samples that is kept.
    pub ratio: Ratio,
    /// The set from which samples are selected.
    pub mode: Mode,
    /// Number of epochs after which samples are chosen again; 0 chooses once.
    pub period: u64,
    /// The policy that chooses samples.
    pub policy: DownsamplingTable,
}

impl Downsampling {
    /// The downsampling of the training of trigger `trigger`, counted from 0; none in the warm-up.
    pub fn stage(&self, trigger: u64) -> Option<Stage> {
        let since = trigger.checked_sub(self.warmup_triggers)?;
        let passed = self.schedule.iter().take_while(|switch| switch.from_trigger <= since);
        Some(passed.fold(self.first(), Stage::switched))
    }

    /// All stages, each with the prefix of its keys' paths.
    fn stages(&self) -> Vec<(String, Stage)> {
        let mut stages = vec![(String::new(), self.first())];
        for (number, switch) in self.schedule.iter().enumerate() {
            let stage = stages[number].1.clone().switched(switch);
            stages.push((format!("schedule.{number}."), stage));
        }
        stages
    }

    fn first(&self) -> Stage {
        let period = self.period.unwrap_or(1);
        Stage { ratio: self.ratio, mode: self.mode, period, policy: self.policy.clone() }
    }

    /// Problems of the table that its types cannot detect, as (path, problem).
    pub fn check(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        for (path, stage) in self.stages() {
            let policy = format!("{path}policy.{}", stage.policy.key());
            let found = stage.policy.check().into_iter();
            problems.extend(found.map(|(key, text)| (format!("{policy}.{key}"), text)));
            if stage.mode == Mode::BatchThenSample
                && matches!(stage.policy, DownsamplingTable::rs2(_))
            {
                let text = "goes through a whole training set in subsets: wanted mode = \
                            \"sample_then_batch\", or the policy `uniform`";
                problems.push((policy, text.to_owned()));
            }
        }
        let batches = self.mode == Mode::BatchThenSample
            && self.schedule.iter().all(|switch| switch.mode.is_none());
        if batches && self.period.is_some() {
            let text = "batches have no periods: a period needs mode = \"sample_then_batch\"";
            problems.push(("period".to_owned(), text.to_owned()));
        }
        problems
            .extend(self.check_irreducible().map(|(key, text)| (key.to_owned(), text.to_owned())));
        let ascends = self.schedule.is_sorted_by(|a, b| a.from_trigger < b.from_trigger);
        if !ascends {
            let text = "wanted stages in the order of ascending `from_trigger`";
            problems.push(("schedule".to_owned(), text.to_owned()));
        }
        // a table that is checked twice has each problem twice.
        problems.dedup();
        problems
    }
}

impl Downsampling {
    fn check_irreducible(&self) -> Option<(&'static str, &'static str)> {
        let asks =
            self.stages().iter().any(|(_, stage)| stage.policy.required_scores().irreducible);
        match &self.irreducible {
            None if asks => Some((
                "policy.rho_loss",
                "needs irreducible-loss models: add the table `irreducible` next to it, as in \
                 irreducible.holdout = 0.2",
            )),
            Some(_) if !asks => {
                Some(("irreducible", "no policy of this table uses irreducible-loss models"))
            }
            Some(table) if table.holdout.share() >= 1.0 => Some((
                "irreducible.holdout",
                "no samples would be left to train on: wanted less than 1",
            )),
            _ => None,
        }
    }
}

impl Stage {
    fn switched(self, switch: &Switch) -> Self {
        Self {
            ratio: switch.ratio.unwrap_or(self.ratio),
            mode: switch.mode.unwrap_or(self.mode),
            period: switch.period.unwrap_or(self.period),
            policy: switch.policy.clone().unwrap_or(self.policy),
        }
    }

    /// The number of `candidates` that are kept.
    pub(in crate::train) fn size(&self, candidates: usize) -> usize {
        (self.ratio.of(candidates as u64) as usize).max(1)
    }
}
