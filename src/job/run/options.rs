//! The options of a run.

use std::path::PathBuf;

use crate::cluster::Cluster;
use crate::job::publish::predecessors::Others;

/// The options of a run. Except for `stable`, they have no influence on decisions.
#[derive(Clone, Debug)]
pub struct Options {
    /// Number of workers of each process.
    pub workers: usize,
    /// The processes that run the job.
    pub cluster: Cluster,
    /// The state directory. An existing run is resumed, unless `others` is `Ignore` (default: the newest
    /// run of the pipeline below `.driftmill`).
    pub state: Option<PathBuf>,
    /// Maximum number of messages of a partition in one poll.
    pub poll: usize,
    /// Whether to show progress on stderr.
    pub progress: bool,
    /// The treatment of versions that other runs published.
    pub others: Others,
    /// Whether records are made durable once a second in addition to decisions (default yes). It can be
    /// disabled to measure the cost.
    pub sync: bool,
    /// Whether the stream is declared stable. Measurements then lead to no decisions, so that only numbers
    /// of samples and time lead to trainings (default no).
    pub stable: bool,
    /// Whether the summary lists all decisions and versions instead of the last [`SUMMARY_LIMIT`](crate::report::SUMMARY_LIMIT) (default
    /// no).
    pub all: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            workers: 1,
            cluster: Cluster::default(),
            state: None,
            poll: 1024,
            progress: false,
            others: Others::Refuse,
            sync: true,
            stable: false,
            all: false,
        }
    }
}
