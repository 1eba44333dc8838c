//! Reports on a run as text and JSON.

mod contact_sheet;
mod plot;
mod summary;
mod text;

pub use contact_sheet::contact_sheet;
pub use plot::{Panel, PlotError, Point, draw};
pub use summary::{
    BranchSummary, Evaluation, SUMMARY_LIMIT, ShadowDecisionLine, ShadowSummary, Summary,
    TriggerLine,
};
pub use text::render;
pub(crate) use text::{align_right, amount, fine, moment, plain_table};
