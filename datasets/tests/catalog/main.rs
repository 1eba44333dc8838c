//! Conformance tests of every registered codec and generator.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

mod codecs;
mod documents;
mod generators;
mod synthetic;
