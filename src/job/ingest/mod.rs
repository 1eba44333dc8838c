//! Reading: partitions, watermarks, and the log as the source of the dataflow.

pub(super) mod append;
pub(super) mod keyed;
pub(super) mod logged;
pub(super) mod operator;
pub(super) mod partition;
pub(super) mod report;
pub(super) mod rows;
pub(super) mod watermarks;
