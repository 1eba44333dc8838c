//! The run to which retention applies.

use super::Retention;
use super::keys::Keys;
use super::retained_samples::Needs;
use crate::catalog::{Catalog, ModelStore};
use crate::store::Log;

/// The run to which retention applies.
pub struct Subject<'a> {
    /// The limits of the run.
    pub retention: &'a Retention,
    /// Its catalog.
    pub catalog: &'a Catalog,
    /// Its log.
    pub log: &'a Log,
    /// The needs of its policies, according to the catalog.
    pub needs: &'a Needs,
    /// The role of keys for the rows of the log.
    pub keys: &'a Keys,
    /// The sinks of versions.
    pub sinks: &'a [&'static str],
    /// The model store of a branch.
    pub store: &'a dyn Fn(&str) -> ModelStore,
}
