//! The operator that hosts selection policies.

mod partitions;
mod select;

pub use select::Select;
