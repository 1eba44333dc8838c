//! Networks that can be trained, which `[model.…]` tables define.
//!
//! A model is a configuration ([`ModelTable`]) that builds a [`Network`] for the schema of the
//! samples. Its weights are the bytes of a safetensors file with the names and layouts of PyTorch, so that
//! other programs can read a version.

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
    /// A network for samples of `schema`, which the model can take, with initial weights drawn from
    /// `random`.
    fn init(&self, schema: &Schema, device: &Device, random: &mut Random) -> Box<dyn Network>;

    /// Number of classes of the model; labels are below it.
    fn classes(&self) -> u32;

    /// The reason why the model cannot process samples of `schema`: the expected schema, and a hint.
    fn check(&self, schema: &Schema) -> Option<String>;

    /// Whether a training step is large enough to be split over several threads.
    fn is_parallel(&self) -> bool;
}

driftmill_registry::one_of! {
    /// The `[model]` table of a pipeline file.
    #[derive(schemars::JsonSchema)]
    ModelTable: dyn ModelConfig {
        mlp: Mlp = "",
        yearbook_net: YearbookNet = "",
    }
}

impl ModelTable {
    /// Checks that the model can take samples of `schema`.
    ///
    /// # Errors
    /// When it cannot; see [`ModelConfig::check`].
    pub fn accept(&self, schema: &Schema) -> Result<(), ModelError> {
        let refused = |problem| Err(ModelError::Shape { model: self.key(), problem });
        self.check(schema).map_or(Ok(()), refused)
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
