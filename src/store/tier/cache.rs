//! Local copies of segments on an object store.

use std::sync::Arc;
use std::time::Duration;

use crate::outage::{CancellationToken, is_full};
use crate::store::StoreError;
use crate::store::segment::file::Segment;

/// The part of a job that waits for an object store.
const PART: &str = "store.tier";

/// The pauses between two attempts to reach an object store: the first and the longest one.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// A segment on an object store.
#[derive(Clone)]
pub(in crate::store) struct RemoteSegment {
    pub(in crate::store) segment: Arc<Segment>,
    pub(in crate::store) url: String,
}

/// The limit of local bytes of remote segments, and the handling of outages of an object store.
#[derive(Clone, Default)]
pub(in crate::store) struct Cache {
    pub(in crate::store) limit: Option<u64>,
    pub(in crate::store) cancellation: Option<CancellationToken>,
}

impl Cache {
    /// Repeats an attempt until the object store can be reached and the disk has space, or until waits are
    /// cancelled.
    pub(in crate::store) fn until_reached(
        &self,
        attempt: impl Fn() -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let (mut pause, most) = PAUSES;
        let mut waited = false;
        loop {
            let result = attempt();
            let (Err(error), Some(cancellation)) = (&result, &self.cancellation) else {
                return result;
            };
            if !matches!(error, StoreError::Tier { .. }) && !is_full(error) {
                if waited {
                    cancellation.outages().end(PART);
                }
                return result;
            }
            waited = true;
            cancellation.outages().begin(PART, &error.to_string());
            if cancellation.wait(pause) {
                return result;
            }
            pause = (pause * 2).min(most);
        }
    }
}
