//! Conformance tests of every registered codec and generator.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

#[path = "catalog/codecs.rs"]
mod codecs;
#[path = "catalog/documents.rs"]
mod documents;
#[path = "catalog/generators.rs"]
mod generators;
#[path = "catalog/synthetic.rs"]
mod synthetic;
