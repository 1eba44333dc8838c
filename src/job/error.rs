//! Reasons for which a job ends that are no internal errors.

use thiserror::Error;

use crate::catalog::Place;

/// The reason for which a job ended.
#[derive(Debug, Error)]
pub enum JobError {
    /// A decision of an earlier process was made again, with another result.
    #[error(
        "decision {trigger} differs from the recorded one: it is at {made:?} on {samples} samples, \
         recorded at {recorded:?} on {recorded_samples}\n\
         hint: are stream and processor those of the start of the run? `driftmill verify` checks the files"
    )]
    Differs {
        /// The number of the decision.
        trigger: u64,
        /// Its place now.
        made: Place,
        /// The size of its training set now.
        samples: usize,
        /// Its place as it was recorded.
        recorded: Place,
        /// The recorded size of its training set.
        recorded_samples: u64,
    },
    /// `training.max_failures` trainings in a row have failed.
    #[error("{failures} trainings in a row failed, the last one: {last}")]
    Failures {
        /// Their number.
        failures: u64,
        /// The error of the last one.
        last: String,
    },
}
