//! How: the operators that host policies.
//!
//! Each is an extension trait with one method on a stream of [`Change`](crate::Change) batches;
//! behind [`order`](Order::order) the batches are shared, not copied.
//! None blocks: what is slow or outside is a [`Service`], asked and polled.

mod asked;
mod classes;
mod decide;
mod deciding;
mod evaluate;
mod looked;
mod order;
mod pending;
mod queue;
mod select;
mod service;
mod shadow;
mod shards;
mod train;
mod upsert;
mod versions;

pub use classes::{Class, CountClasses};
pub use decide::{Decide, Decided, Deciding, Standing};
pub use evaluate::{Evaluate, Evaluated, Scorable, Scored, Scores, ToScore};
pub use looked::Looked;
pub use order::{Order, OrderAll, Ordered};
pub use select::Select;
pub use service::{Asker, Service};
pub use shadow::{Fired, Shadow, Shadowing, shadowed};
pub use shards::{ShardStanding, Standings};
pub use train::Train;
pub use upsert::{Orphans, Upsert};
