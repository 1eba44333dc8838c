//! Repair of a damaged batch of the log from its source.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use crate::job::Context;
use crate::job::ingest::rows::rows;
use crate::source::{Fetched, Gate, Partition, Progress, WatermarkTracker};
use crate::store::{LogBatch, Lost, StoreError};

/// Time limit for the source to send the lost messages again.
const READ_LIMIT: Duration = Duration::from_secs(60);

/// Repairs the cause of an error, if it is a batch of the log that its source still has.
pub(in crate::job) fn repair(
    context: &Context,
    repaired: &mut BTreeSet<(PathBuf, u64)>,
    error: anyhow::Error,
) -> anyhow::Result<()> {
    let damage = damage_of(&error).filter(|_| context.cluster.is_single());
    let Some(damage) = damage else { return Err(error) };
    match repair_batch(context, &damage.0, damage.1) {
        // a batch that is damaged again at once cannot be repaired.
        Ok(true) if repaired.insert(damage) => Ok(()),
        Ok(_) => Err(error),
        Err(why) => Err(error.context(format!("{why:#}"))),
    }
}

/// The damaged batch of the log, if the error names one.
fn damage_of(error: &anyhow::Error) -> Option<(PathBuf, u64)> {
    error.chain().find_map(|error| match error.downcast_ref() {
        Some(StoreError::Damaged { path, at, .. }) => Some((path.clone(), *at)),
        _ => None,
    })
}

/// Fetches a damaged segment again, or reads a damaged batch again from its source. Returns false if
/// there is no such batch.
///
/// # Errors
/// When the source no longer has the messages, or they have changed.
fn repair_batch(context: &Context, path: &Path, at: u64) -> anyhow::Result<bool> {
    let Some(lost) = context.log.lost(path, at) else { return Ok(false) };
    if context.log.discard_copy(path)? {
        tracing::warn!("`{}` is damaged at byte {at}: fetching it again", path.display());
        return Ok(true);
    }
    let stream = lost.first.stream();
    let of = |part: &&Partition| part.id(0).stream() == stream;
    let part = context.partitions.iter().find(of).context("the run has no such partition")?;
    let (first, last) = (lost.first.offset(), lost.last.offset());
    let part = Partition { start: first, end: Some(last + 1), ..part.clone() };
    let from = format!("{}/{}, offsets {first} to {last}", part.topic, part.partition);
    tracing::warn!("`{}` is damaged at byte {at}: reading {from} again", path.display());
    let again = read_again(context, &part, &lost).and_then(|rows| {
        ensure!(context.log.repair(path, at, rows)?, "the messages have changed");
        Ok(())
    });
    again.with_context(|| format!("reading {from} again"))?;
    Ok(true)
}

fn read_again(context: &Context, part: &Partition, lost: &Lost) -> anyhow::Result<LogBatch> {
    let source = &context.pipeline.source;
    let mut reader = source.open(std::slice::from_ref(part), context.pipeline.codec.as_ref())?;
    let mut watermark = WatermarkTracker::resumed(lost.highest_before);
    let gate = Gate {
        rules: &context.pipeline.order,
        watermark: &mut watermark,
        classes: context.pipeline.model.classes(),
        keyed: source.keyed().is_some(),
    };
    let mut fetched = Fetched::new(context.log.schema().clone(), lost.rows.max(1), gate);
    let begun = Instant::now();
    while reader.poll(0, &mut fetched)? != Progress::End {
        ensure!(begun.elapsed() < READ_LIMIT, "some of the messages did not arrive");
        std::thread::sleep(Duration::from_millis(1));
    }
    let mut rows = rows(part, fetched);
    rows.highest = watermark.highest();
    Ok(rows)
}
