//! The networks that can be trained: what a `[model.…]` table builds.
//!
//! A model is a configuration ([`ModelTable`]) that builds a [`Network`] for the schema of the
//! samples. Its weights travel as the bytes of a safetensors file with the names and layouts that
//! PyTorch uses, so that a version can be read without this program.

mod architecture;
mod classes;
mod error;
mod fast_conv;
mod file;
mod input;
mod layers;
mod network;
mod parameters;
mod random;
mod size;

pub use architecture::{Architecture, Net};
use burn::tensor::Device;
pub use classes::Classes;
use driftmill_datasets::Schema;
pub use error::ModelError;
pub use input::InputScale;
pub use network::{Network, Objective};
pub use random::Random;

/// A table `[model.…]` of a pipeline file.
pub trait ModelConfig {
    /// A network for samples of `schema` with initial weights drawn from `random`.
    ///
    /// # Errors
    /// When the model cannot take such samples; see [`ModelConfig::check`].
    fn init(
        &self,
        schema: &Schema,
        device: &Device,
        random: &mut Random,
    ) -> Result<Box<dyn Network>, ModelError>;

    /// Number of classes of the model; labels are below it.
    fn classes(&self) -> u32;

    /// Why the model cannot take samples of `schema`: what it expects and a hint.
    fn check(&self, schema: &Schema) -> Option<String>;

    /// Whether a training step is large enough to be split over several threads.
    fn is_parallel(&self) -> bool;
}

driftmill_registry::one_of! {
    /// The `[model]` table of a pipeline file.
    #[derive(schemars::JsonSchema)]
    ModelTable: dyn ModelConfig {
        mlp: Mlp,
        yearbook_net: YearbookNet,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_is_accepted_and_survives_a_round_trip() {
        for (key, example) in ModelTable::CATALOG {
            let table: ModelTable = toml::from_str(&format!("[{key}]\n{example}")).unwrap();
            assert_eq!(table.key(), *key);
            let text = toml::to_string(&table).unwrap();
            assert_eq!(toml::from_str::<ModelTable>(&text).unwrap(), table);
        }
    }

    #[test]
    fn out_of_range_tables_are_refused() {
        for wrong in [
            "[mlp]\nclasses = 1",
            "[mlp]\nhidden = [0]",
            "[mlp]\nwidth = 3",
            "[yearbook_net]\nchannels = []",
        ] {
            assert!(toml::from_str::<ModelTable>(wrong).is_err(), "{wrong}");
        }
    }
}
