//! What a sample is: codecs that turn bytes into columns, and generators that make streams with
//! known change points.
//!
//! This crate knows bytes, not streams. To add a codec or a generator, write one file that holds
//! its configuration and add one line to the table in `codec/mod.rs` or `generate/mod.rs`; the
//! conformance tests in `tests/catalog.rs` pick it up.

pub mod codec;
pub mod generate;

mod columns;
mod error;
mod range;
mod time;

pub use columns::{Columns, Schema, ValueType, Values};
pub use error::{DatasetError, DecodeError};
pub use range::{NonNegative, OutOfRange, Positive, Probability};
pub use time::{ParseTimeError, Timestamp};
