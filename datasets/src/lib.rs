//! Samples: codecs that turn bytes into columns, and generators of streams with known change
//! points.
//!
//! This crate knows bytes, not streams. To add a codec or a generator, write one file with its
//! configuration and add one line to the table in `codec/mod.rs` or `generate/mod.rs`. The
//! conformance tests in `tests/catalog/` include it without further changes.

pub mod codec;
pub mod generate;

mod columns;
mod error;
mod range;
mod time;

pub use columns::{Columns, Schema, ValueType, Values};
pub use error::{DatasetError, DecodeError};
pub use range::{Fraction, NonNegative, OutOfRange, Positive, Probability};
pub use time::{ParseTimeError, Timestamp};
