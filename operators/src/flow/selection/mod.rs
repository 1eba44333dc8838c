//! The operator that runs selection policies.

mod partitions;
mod select;

pub use select::Select;
