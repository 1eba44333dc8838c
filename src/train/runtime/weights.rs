//! The weights of a version.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

/// The weights of a model: a complete safetensors file and its digest. Cheap to clone.
#[derive(Clone)]
pub struct Weights(Arc<File>);

struct File {
    bytes: Vec<u8>,
    sha256: String,
}

impl Weights {
    /// Creates weights from the bytes of a file.
    pub fn new(bytes: Vec<u8>) -> Self {
        let digest = Sha256::digest(&bytes);
        let sha256 = hex::encode(digest);
        Self(Arc::new(File { bytes, sha256 }))
    }

    /// The file's bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0.bytes
    }

    /// SHA-256 of the bytes, in hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.0.sha256
    }
}

impl PartialEq for Weights {
    fn eq(&self, other: &Self) -> bool {
        self.sha256() == other.sha256()
    }
}

impl Eq for Weights {}

impl fmt::Debug for Weights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Weights({})", self.sha256())
    }
}
