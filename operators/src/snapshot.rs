//! Saving and restoring the state of policies.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Saves the state of a policy as bytes. A policy that loads them continues as if it had never stopped.
pub trait Snapshot {
    /// The current state as bytes.
    fn save(&self) -> Vec<u8>;

    /// Returns to a saved state.
    ///
    /// # Errors
    /// [`SnapshotError`] when the bytes are not a snapshot of this policy; the state is then unchanged.
    fn load(&mut self, saved: &[u8]) -> Result<(), SnapshotError>;
}

/// The error for bytes that are not a snapshot of the policy.
#[derive(Debug, PartialEq)]
pub struct SnapshotError(String);

impl std::fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "not a snapshot of this policy: {}", self.0)
    }
}

impl std::error::Error for SnapshotError {}

/// Decodes plain data from the bytes of [`Snapshot::save`].
///
/// # Errors
/// [`SnapshotError`] when the bytes do not decode.
pub fn restore<T: DeserializeOwned>(saved: &[u8]) -> Result<T, SnapshotError> {
    postcard::from_bytes(saved).map_err(|error| SnapshotError(error.to_string()))
}

impl<T: Serialize + DeserializeOwned> Snapshot for T {
    fn save(&self) -> Vec<u8> {
        postcard::to_allocvec(self).expect("a policy's state is plain data")
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), SnapshotError> {
        *self = restore(saved)?;
        Ok(())
    }
}

/// Implements [`Snapshot`] for a type whose state is one field.
macro_rules! snapshot_field {
    ($Type:ty: $state:ident) => {
        impl $crate::Snapshot for $Type {
            fn save(&self) -> Vec<u8> {
                self.$state.save()
            }

            fn load(&mut self, saved: &[u8]) -> Result<(), $crate::SnapshotError> {
                self.$state.load(saved)
            }
        }
    };
}
pub(crate) use snapshot_field;

/// Implements [`Snapshot`] for a type whose state is a field with a snapshot of its own, followed
/// by a field of plain data.
macro_rules! snapshot_fields {
    ($Type:ty: $inner:ident, $state:ident) => {
        impl $crate::Snapshot for $Type {
            fn save(&self) -> Vec<u8> {
                (self.$inner.save(), self.$state.clone()).save()
            }

            fn load(&mut self, saved: &[u8]) -> Result<(), $crate::SnapshotError> {
                let (inner, state): (Vec<u8>, _) = $crate::restore(saved)?;
                self.$inner.load(&inner)?;
                self.$state = state;
                Ok(())
            }
        }
    };
}
pub(crate) use snapshot_fields;
