//! What all handles of a log share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use driftmill_operators::Id;

use super::attached::Attached;
use super::growing::Growing;
use crate::store::segment::file::Segment;
use crate::store::segment::location::BatchAt;
use crate::store::tier::RemoteSegment;

#[derive(Default)]
pub(in crate::store) struct Shared {
    /// The batches of each partition ([`Id::stream`]), in the order of offsets.
    pub(in crate::store) batches: BTreeMap<u32, Vec<Arc<BatchAt>>>,
    /// Segments that are not recorded as durable up to their end, by name.
    pub(in crate::store) growing: BTreeMap<String, Growing>,
    /// Segments of other processes, by name.
    pub(in crate::store) others: BTreeMap<String, Attached>,
    /// Segments on an object store, by name.
    pub(in crate::store) remote: BTreeMap<String, RemoteSegment>,
    /// Complete segments whose keys are indexed as far as they can be, by name.
    pub(in crate::store) keys_indexed: BTreeSet<String>,
    /// A counter of reads.
    pub(in crate::store) clock: AtomicU64,
}

impl Shared {
    /// Removes the local copy of a remote segment. Returns false if it is in use.
    pub(in crate::store) fn evict(&mut self, name: &str) -> bool {
        let Some(remote) = self.remote.get_mut(name) else { return false };
        let mut batches: Vec<&mut Arc<BatchAt>> = self
            .batches
            .values_mut()
            .flatten()
            .filter(|batch| batch.segment_name() == name)
            .collect();
        if Arc::strong_count(&remote.segment) > batches.len() + 1 {
            return false;
        }
        let segment = Arc::new(Segment::remote(remote.segment.path()));
        for batch in &mut batches {
            **batch = Arc::new(batch.in_segment(&segment));
        }
        remote.segment = segment;
        let path = remote.segment.path();
        if let Err(error) = std::fs::remove_file(path) {
            tracing::warn!("removing `{}`: {error}", path.display());
        }
        true
    }

    pub(in crate::store) fn insert(&mut self, batch: BatchAt) {
        self.batches.entry(batch.entry.first.stream()).or_default().push(Arc::new(batch));
    }

    /// The batch in whose range an id is.
    pub(in crate::store) fn batch_of(&self, id: Id) -> Option<Arc<BatchAt>> {
        let batches = self.batches.get(&id.stream())?;
        let after = batches.partition_point(|batch| batch.entry.first <= id);
        let batch = &batches[after.checked_sub(1)?];
        batch.spans(id).then(|| Arc::clone(batch))
    }
}
