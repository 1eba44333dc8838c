//! Common parts of all Kafka clients of a job: properties, connections, topics, errors.

mod backoff;
mod client_reports;
mod error;
mod properties;
mod topic;
mod topic_ids;
mod value;
mod wait_for_broker;

pub(crate) use backoff::Backoff;
pub(crate) use client_reports::ClientReports;
pub use error::RequestError;
pub(crate) use error::describe;
pub use properties::{NoValue, Properties};
pub use topic::create_topic;
pub(crate) use topic_ids::topic_ids;
pub(crate) use wait_for_broker::{NoAnswer, wait_for_broker};

/// Drops a client on a separate thread. Its disconnection takes about a tenth of a second, for which nobody
/// has to wait.
pub(crate) fn drop_client(client: impl Send + 'static) {
    std::thread::spawn(move || drop(client));
}
