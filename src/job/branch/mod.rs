//! One composition of policies with its versions, and shadow policies.

pub(super) mod history;
pub(super) mod hosted_policy;
pub(super) mod irreducible;
pub(super) mod restore;
pub(super) mod shadow;
pub(super) mod state;
