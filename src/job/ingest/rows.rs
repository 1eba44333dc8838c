//! Conversions from polled messages to rows of the log.

use driftmill_datasets::Values;
use driftmill_operators::Kind;

use crate::dead_letters::DeadLetter;
use crate::source::{Fetched, InvalidMessage, Partition};
use crate::store::{LogBatch, RowKind};

/// One row for each message of a poll, in the order of offsets.
pub(in crate::job) fn rows(partition: &Partition, fetched: Fetched<'_>) -> LogBatch {
    let Fetched { columns, kinds, offsets, placed, keys, invalid, .. } = fetched;
    let mut rows = LogBatch {
        ids: offsets.iter().map(|offset| partition.id(*offset).0).collect(),
        position_times: placed.iter().map(|placed| placed.position_time).collect(),
        times: placed.iter().map(|placed| placed.time).collect(),
        late: placed.iter().filter(|placed| placed.late).count() as u32,
        kinds: kinds.into_iter().map(|kind| row_kind(kind) as u8).collect(),
        keys,
        ..LogBatch::new(columns.schema().value)
    };
    let width = columns.schema().width();
    (rows.labels, rows.values) = (columns.labels, columns.values);
    if invalid.is_empty() { rows } else { with_invalid(partition, rows, width, &invalid) }
}

/// The dead letters of invalid messages.
pub(in crate::job) fn dead_letters(
    partition: &Partition,
    invalid: &[InvalidMessage],
) -> Vec<DeadLetter> {
    invalid
        .iter()
        .map(|message| DeadLetter {
            topic: partition.topic.clone(),
            partition: partition.partition,
            offset: message.offset,
            timestamp: message.timestamp,
            stage: message.reason.stage().to_owned(),
            error: message.reason.class().to_owned(),
            reason: message.reason.to_string(),
            run: String::new(),
            key: message.key.clone(),
            payload: message.payload.clone(),
            omitted: None,
        })
        .collect()
}

fn row_kind(kind: Kind) -> RowKind {
    match kind {
        Kind::Insert => RowKind::Put,
        Kind::Delete | Kind::Retract => RowKind::Delete,
        Kind::Label => RowKind::Label,
    }
}

/// Adds a row of zeros for each invalid message, and restores the order of offsets.
fn with_invalid(
    partition: &Partition,
    mut rows: LogBatch,
    width: usize,
    invalid: &[InvalidMessage],
) -> LogBatch {
    for message in invalid {
        rows.ids.push(partition.id(message.offset).0);
        rows.position_times.push(message.watermark);
        rows.times.push(message.timestamp.unwrap_or(message.watermark));
        rows.kinds.push(RowKind::Invalid as u8);
        rows.keys.push(0);
        rows.labels.push(None);
    }
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_unstable_by_key(|row| rows.ids[*row]);
    LogBatch {
        ids: order.iter().map(|row| rows.ids[*row]).collect(),
        position_times: order.iter().map(|row| rows.position_times[*row]).collect(),
        times: order.iter().map(|row| rows.times[*row]).collect(),
        kinds: order.iter().map(|row| rows.kinds[*row]).collect(),
        keys: order.iter().map(|row| rows.keys[*row]).collect(),
        labels: order.iter().map(|row| rows.labels[*row]).collect(),
        values: match &rows.values {
            Values::F32(values) => Values::F32(with_zeros(values, width, &order)),
            Values::U8(values) => Values::U8(with_zeros(values, width, &order)),
        },
        ..rows
    }
}

/// The rows of `values` in `order`; rows beyond the last are zeros.
fn with_zeros<T: Copy + Default>(values: &[T], width: usize, order: &[usize]) -> Vec<T> {
    let mut out = Vec::with_capacity(order.len() * width);
    for row in order {
        match values.get(row * width..(row + 1) * width) {
            Some(row) => out.extend_from_slice(row),
            None => out.resize(out.len() + width, T::default()),
        }
    }
    out
}
