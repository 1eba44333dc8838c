use thiserror::Error;

use crate::config::ConfigError;
use crate::sink::SinkError;
use crate::source::SourceError;
use crate::train::TrainError;

/// A file named on the command line cannot be read.
#[derive(Debug, Error)]
#[error("reading `{file}`")]
pub(super) struct Unreadable {
    pub(super) file: String,
    pub(super) source: std::io::Error,
}

/// The command line asks for something that makes no sense.
#[derive(Debug, Error)]
#[error("{0}")]
pub(super) struct Usage(pub(super) String);

/// The exit code for what went wrong, as in `sysexits.h`.
pub fn exit_code(error: &anyhow::Error) -> u8 {
    const USAGE: u8 = 64;
    const UNAVAILABLE: u8 = 69;
    const SOFTWARE: u8 = 70;
    const CONFIG: u8 = 78;
    let chain = |is: fn(&(dyn std::error::Error + 'static)) -> bool| error.chain().any(is);
    if chain(|e| e.is::<Usage>()) {
        USAGE
    } else if chain(|e| e.is::<ConfigError>()) {
        CONFIG
    } else if chain(|e| matches!(e.downcast_ref(), Some(SourceError::Mismatch(_)))) {
        CONFIG
    } else if chain(|e| e.is::<SourceError>() || e.is::<SinkError>() || e.is::<Unreadable>()) {
        UNAVAILABLE
    } else if chain(|e| {
        matches!(e.downcast_ref(), Some(TrainError::NotBuilt { .. } | TrainError::Device { .. }))
    }) {
        UNAVAILABLE
    } else {
        SOFTWARE
    }
}
