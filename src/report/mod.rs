//! What a run did, for people and for scripts.

mod plot;
mod sheet;
mod summary;
mod text;

pub use plot::{Panel, PlotError, Point, draw};
pub use sheet::sheet;
pub use summary::{
    BranchSummary, Evaluation, FiredLine, ShadowSummary, Summary, TriggerLine, VersionLine,
};
pub use text::render;
pub(crate) use text::{align_right, amount, fine, moment, plain_table};
