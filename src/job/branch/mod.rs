//! One composition of policies with its versions, and shadow policies.

pub(super) mod irreducible;
pub(super) mod journal;
pub(super) mod recorded;
pub(super) mod restore;
pub(super) mod shadow;
pub(super) mod state;
