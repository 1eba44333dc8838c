//! Errors of the command line and their exit codes.

use std::error::Error;

use crate::calibrate::Stopped;
use crate::catalog::CatalogError;
use crate::cluster::ClusterError;
use crate::config::ConfigError;
use crate::dead_letters::DeadLetterError;
use crate::history::HistoryError;
use crate::job::{JobError, NoSamples, Occupied, StateError};
use crate::kafka::NoValue;
use crate::outage::is_full;
use crate::report::PlotError;
use crate::retention::RetentionError;
use crate::sink::SinkError;
use crate::source::SourceError;
use crate::store::StoreError;
use crate::train::TrainError;

/// A file named on the command line cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("reading `{file}`")]
pub(super) struct Unreadable {
    pub(super) file: String,
    pub(super) source: std::io::Error,
}

/// A command line that cannot be executed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Usage(pub(super) String);

/// A row to be written is not a sample.
#[derive(Debug, thiserror::Error)]
#[error(
    "row {row} is not a sample: {reason}\n\
     hint: rows are counted from 0 after the header; all of them must be samples"
)]
pub(super) struct NotASample {
    pub(super) row: u64,
    pub(super) reason: String,
}

const USAGE: u8 = 64;
const DATA: u8 = 65;
const UNAVAILABLE: u8 = 69;
const SOFTWARE: u8 = 70;
/// `EX_IOERR`: a full disk is the only file error that may disappear by itself.
const FULL: u8 = 74;
const AGAIN: u8 = 75;
const CONFIG: u8 = 78;
pub(super) const INTERRUPTED: u8 = 130;

/// The exit code of an error, as in `sysexits.h`.
pub fn exit_code(error: &anyhow::Error) -> u8 {
    if is_full(error.as_ref()) {
        return FULL;
    }
    error.chain().find_map(code_of).unwrap_or(SOFTWARE)
}

type Predicate = fn(&(dyn Error + 'static)) -> bool;

/// The exit code of one error in a chain, if it has one.
fn code_of(error: &(dyn Error + 'static)) -> Option<u8> {
    // errors that stand for others.
    if let Some(RetentionError::Store(error)) = error.downcast_ref() {
        return code_of(error);
    }
    match error.downcast_ref() {
        Some(HistoryError::Store(error)) => return code_of(error),
        Some(HistoryError::Catalog(error)) => return code_of(error),
        _ => {}
    }
    let codes: [(Predicate, u8); 6] = [
        (|error| error.is::<Stopped>(), INTERRUPTED),
        (is_lost_process, AGAIN),
        (is_data, DATA),
        (is_usage, USAGE),
        (is_config, CONFIG),
        (is_unavailable, UNAVAILABLE),
    ];
    codes.into_iter().find(|(is, _)| is(error)).map(|(_, code)| code)
}

fn is_lost_process(error: &(dyn Error + 'static)) -> bool {
    matches!(error.downcast_ref(), Some(ClusterError::Lost { .. } | ClusterError::Io { .. }))
}

fn is_data(error: &(dyn Error + 'static)) -> bool {
    matches!(error.downcast_ref(), Some(StateError::NoCatalog { .. }))
        || matches!(
            error.downcast_ref(),
            Some(DeadLetterError::Fail(_) | DeadLetterError::Line { .. })
        )
        || error.downcast_ref().is_some_and(StoreError::is_damage)
        || error.downcast_ref().is_some_and(CatalogError::is_damage)
        || error.is::<NotASample>()
        || error.is::<NoSamples>()
        || error.is::<JobError>()
}

fn is_usage(error: &(dyn Error + 'static)) -> bool {
    error.is::<Usage>()
        || error.is::<StateError>()
        || error.is::<Occupied>()
        || matches!(error.downcast_ref(), Some(ClusterError::Refused { .. }))
        || error.downcast_ref().is_some_and(HistoryError::is_usage)
        || matches!(
            error.downcast_ref(),
            Some(PlotError::Format(..) | PlotError::NoImages(_) | PlotError::Empty)
        )
}

fn is_config(error: &(dyn Error + 'static)) -> bool {
    let binary = |file: &Unreadable| file.source.kind() == std::io::ErrorKind::InvalidData;
    error.downcast_ref().is_some_and(binary)
        || error.is::<ConfigError>()
        || error.is::<NoValue>()
        || matches!(error.downcast_ref(), Some(SinkError::NoValue(_)))
        || matches!(error.downcast_ref(), Some(DeadLetterError::NoValue(_)))
        || matches!(error.downcast_ref(), Some(SourceError::Mismatch(_)))
}

fn is_unavailable(error: &(dyn Error + 'static)) -> bool {
    matches!(error.downcast_ref(), Some(TrainError::NotBuilt { .. } | TrainError::Device { .. }))
        || matches!(error.downcast_ref(), Some(HistoryError::File { .. }))
        || matches!(error.downcast_ref(), Some(PlotError::Io { .. }))
        || matches!(error.downcast_ref(), Some(StoreError::Tier { .. }))
        || matches!(error.downcast_ref(), Some(ClusterError::Listen { .. }))
        || error.is::<SourceError>()
        || error.is::<SinkError>()
        || error.is::<DeadLetterError>()
        || error.is::<Unreadable>()
}
