//! The test broker for benchmarks.

#[path = "broker.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "it is part of the tests, which use all of it")]
pub(crate) mod broker;
#[path = "certificates.rs"]
#[expect(clippy::unwrap_used, reason = "it is part of the tests")]
pub(crate) mod certificates;
#[path = "server.rs"]
#[expect(clippy::unwrap_used, reason = "it is part of the tests")]
pub(crate) mod server;
#[path = "wait.rs"]
#[expect(clippy::unwrap_used, reason = "it is part of the tests")]
pub(crate) mod wait;
