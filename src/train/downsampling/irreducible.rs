//! The `[downsampling.irreducible]` table of a pipeline file.

use driftmill_operators::selection::Ratio;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::ModelTable;
use crate::train::Training;

/// The `[downsampling.irreducible]` table: additional models that estimate the part of a loss that no
/// training removes. They are trained on samples that they do not score.
///
/// They are trained for each training that requires them, from the same training set, and are versions with
/// their own lineage.
///
/// ```
/// use driftmill::train::{HeldOut, IrreducibleModels};
/// let table: IrreducibleModels = toml::from_str("holdout = \"twin\"").unwrap();
/// assert_eq!(table.holdout.models(), 2);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IrreducibleModels {
    /// The samples of these models: a share of the training set, such as `0.2`, on which the model itself
    /// is then not trained (one irreducible-loss model, which scores the rest); or `"twin"` (two models,
    /// each trained on one half and scoring the other, so that no sample is lost). Samples are assigned by
    /// a hash of their ids.
    pub holdout: HeldOut,
    /// Their architecture (default: that of the pipeline).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelTable>,
    /// Their training; with `start = "finetune"` each continues from its previous version (default: that of
    /// the pipeline).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<Training>,
}

/// The samples of irreducible-loss models.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "wanted a share below 1, as in 0.2, or \"twin\"")]
pub enum HeldOut {
    /// A share that the model itself is not trained on.
    Share(Ratio),
    /// Two halves.
    Twin(Twin),
}

/// The word `"twin"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Twin {
    /// Each model scores the samples of the other.
    Twin,
}

impl HeldOut {
    /// The number of models.
    pub fn models(self) -> usize {
        match self {
            Self::Share(_) => 1,
            Self::Twin(_) => 2,
        }
    }

    /// The share of model 1.
    pub fn share(self) -> f64 {
        match self {
            Self::Share(share) => share.get(),
            Self::Twin(_) => 0.5,
        }
    }
}
