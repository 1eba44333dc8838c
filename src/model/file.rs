//! Weights as safetensors bytes, with the names and layouts of PyTorch.

use std::fmt::Display;

use burn::store::{BurnToPyTorchAdapter, ModuleSnapshot, PyTorchToBurnAdapter, SafetensorsStore};

use super::ModelError;

/// The weights of `module` as bytes. Equal weights lead to equal bytes.
pub(super) fn write(module: &impl ModuleSnapshot) -> Result<Vec<u8>, ModelError> {
    let failed = |error: &dyn Display| ModelError::Write(error.to_string());
    // the format sorts tensors, but metadata has the order of a hash map, so that only a single entry is
    // deterministic
    let mut store = SafetensorsStore::from_bytes(None)
        .with_to_adapter(BurnToPyTorchAdapter)
        .clear_metadata()
        .metadata("format", "pt");
    module.save_into(&mut store).map_err(|error| failed(&error))?;
    store.get_bytes().map_err(|error| failed(&error))
}

/// Replaces the weights of `module` by those in `bytes`.
pub(super) fn read(module: &mut impl ModuleSnapshot, bytes: Vec<u8>) -> Result<(), ModelError> {
    let mut store =
        SafetensorsStore::from_bytes(Some(bytes)).with_from_adapter(PyTorchToBurnAdapter);
    let result =
        module.load_from(&mut store).map_err(|error| ModelError::Read(error.to_string()))?;
    if let Some(name) = result.unused.first() {
        return Err(ModelError::Read(format!("tensor `{name}` has no place in the model")));
    }
    Ok(())
}
