//! The types that most programs need.
//!
//! ```
//! use driftmill_operators::prelude::*;
//! let change = Change::insert(Record::new(Position::new(0, Id(1)), 0, 0, None));
//! assert_eq!(change.kind, Kind::Insert);
//! ```

pub use crate::drift::detector::{Adwin, Detector, DetectorConfig, DetectorTable, Signal};
#[cfg(feature = "flow")]
pub use crate::flow::{
    Decide, HostedTrigger, Order, OrderAll, Select, SelectionCheckpoints, Train, TrainingRequest,
    immediate,
};
pub use crate::selection::{SelectionConfig, SelectionTable, TrainingSet};
pub use crate::trigger::{
    Cut, Decision, Firing, Outcome, Reason, Step, Trigger, TriggerConfig, TriggerTable,
};
pub use crate::{Change, Id, Kind, Matrix, Position, Record, Snapshot, Span};
