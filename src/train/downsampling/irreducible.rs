//! The `[downsampling.irreducible]` table of a pipeline file.

use driftmill_operators::selection::Ratio;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::ModelTable;
use crate::train::Training;

/// The `[downsampling.irreducible]` table: models that are trained beside, on samples of which they
/// then need not judge, and tell what of a loss no training takes away.
///
/// They are trained for each training that asks for them, from the same training set, and are versions
/// with a lineage of their own.
///
/// ```
/// use driftmill::train::{HeldOut, IrreducibleModels};
/// let table: IrreducibleModels = toml::from_str("holdout = \"twin\"").unwrap();
/// assert_eq!(table.holdout.models(), 2);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IrreducibleModels {
    /// What they are trained on: a share of the training set, as in `0.2`, which is then not trained on
    /// from (one model, which judges the rest); or `"twin"` (two models, each trained on one half and
    /// judging the other, so that nothing is lost). Which samples is a hash of their ids.
    pub holdout: HeldOut,
    /// Their architecture (default: that of the pipeline).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelTable>,
    /// How they are trained; with `start = "finetune"` each goes on from the one before (default: as
    /// the pipeline says).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<Training>,
}

/// Samples that such models are trained on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "wanted a share below 1, as in 0.2, or \"twin\"")]
pub enum HeldOut {
    /// A share, that the model proper never sees.
    Share(Ratio),
    /// Two halves.
    Twin(Twin),
}

/// The word `"twin"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Twin {
    /// Each judges what the other was trained on.
    Twin,
}

impl HeldOut {
    /// How many models that takes.
    pub fn models(self) -> usize {
        match self {
            Self::Share(_) => 1,
            Self::Twin(_) => 2,
        }
    }

    /// Which share is model 1's.
    pub fn share(self) -> f64 {
        match self {
            Self::Share(share) => share.get(),
            Self::Twin(_) => 0.5,
        }
    }
}
