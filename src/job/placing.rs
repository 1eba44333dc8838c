//! From what a poll brought to rows of the log and changes of the dataflow.

use driftmill_datasets::Values;
use driftmill_operators::{Change, Record, position};

use crate::source::{BadMessage, Fetched, Lateness, OrderRules, Partition, Refused};
use crate::store::{LogBatch, RowKind};

/// By which rules messages of a partition get their places.
pub(super) struct Placing<'a> {
    pub(super) partition: &'a Partition,
    pub(super) rules: &'a OrderRules,
    /// Number of classes of the model: larger labels are refused.
    pub(super) classes: u32,
}

/// A poll's messages in their places.
pub(super) struct Placed {
    /// One row for each message.
    pub(super) rows: LogBatch,
    /// One change for each sample.
    pub(super) changes: Vec<Change>,
    /// The messages that are not samples.
    pub(super) refused: Vec<BadMessage>,
    /// Samples that came late.
    pub(super) late: u64,
    /// The offset after the last message.
    pub(super) next: u64,
}

/// Places the messages of a poll, in the order of offsets.
pub(super) fn place(placing: &Placing<'_>, lateness: &mut Lateness, fetched: Fetched) -> Placed {
    let Fetched { columns, offsets, timestamps, keys, bad } = fetched;
    let next = offsets.last().copied().max(bad.last().map(|message| message.offset));
    let mut placed = Placed {
        rows: LogBatch::new(columns.schema().value),
        changes: Vec::with_capacity(offsets.len()),
        refused: bad,
        late: 0,
        next: next.map_or(0, |offset| offset + 1),
    };
    let undecoded = placed.refused.len();
    for (row, offset) in offsets.iter().copied().enumerate() {
        let id = placing.partition.id(offset);
        let label = columns.labels[row];
        let place = in_classes(label, placing.classes)
            .and_then(|()| lateness.place(placing.rules, columns.times[row], timestamps[row]));
        let (time, position_time, kind) = match place {
            Ok(place) => {
                placed.late += u64::from(place.late);
                let position = position(place.position_time, id);
                let record = Record { position, key: keys[row], time: place.time, label };
                placed.changes.push(Change::insert(record));
                (place.time, place.position_time, RowKind::Put)
            }
            Err(reason) => {
                let payload = bytes_of(&columns.values, row, columns.schema().width());
                let timestamp = timestamps[row];
                placed.refused.push(BadMessage { offset, timestamp, key: None, payload, reason });
                let time = lateness.place_untimed(placing.rules);
                (columns.times[row].unwrap_or(time), time, RowKind::Bad)
            }
        };
        placed.rows.ids.push(id.0);
        placed.rows.position_times.push(position_time);
        placed.rows.times.push(time);
        placed.rows.kinds.push(kind as u8);
        placed.rows.keys.push(keys[row]);
        placed.rows.labels.push(label);
    }
    placed.rows.values = columns.values;
    if undecoded > 0 {
        insert_bad(placing, lateness, &mut placed, undecoded);
    }
    placed
}

fn in_classes(label: Option<u32>, classes: u32) -> Result<(), Refused> {
    match label {
        Some(label) if label >= classes => Err(Refused::Label { label, classes }),
        _ => Ok(()),
    }
}

/// The bytes of a decoded row: what is left of a message that decoded but has no place.
fn bytes_of(values: &Values, row: usize, width: usize) -> Vec<u8> {
    match values {
        Values::F32(values) => {
            values[row * width..][..width].iter().flat_map(|value| value.to_le_bytes()).collect()
        }
        Values::U8(values) => values[row * width..][..width].to_vec(),
    }
}

/// Adds a row of zeros for each message that did not decode, and restores the order of offsets.
fn insert_bad(placing: &Placing<'_>, lateness: &Lateness, placed: &mut Placed, undecoded: usize) {
    let time = lateness.place_untimed(placing.rules);
    let good = placed.rows.len();
    for message in &placed.refused[..undecoded] {
        placed.rows.ids.push(placing.partition.id(message.offset).0);
        placed.rows.position_times.push(time);
        placed.rows.times.push(message.timestamp.unwrap_or(time));
        placed.rows.kinds.push(RowKind::Bad as u8);
        placed.rows.keys.push(0);
        placed.rows.labels.push(None);
    }
    let mut order: Vec<usize> = (0..placed.rows.len()).collect();
    order.sort_unstable_by_key(|row| placed.rows.ids[*row]);
    let rows = &mut placed.rows;
    rows.ids = order.iter().map(|row| rows.ids[*row]).collect();
    rows.position_times = order.iter().map(|row| rows.position_times[*row]).collect();
    rows.times = order.iter().map(|row| rows.times[*row]).collect();
    rows.kinds = order.iter().map(|row| rows.kinds[*row]).collect();
    rows.keys = order.iter().map(|row| rows.keys[*row]).collect();
    rows.labels = order.iter().map(|row| rows.labels[*row]).collect();
    rows.values = match &rows.values {
        Values::F32(values) => Values::F32(with_zeros(values, good, &order)),
        Values::U8(values) => Values::U8(with_zeros(values, good, &order)),
    };
    placed.refused.sort_by_key(|message| message.offset);
}

/// The rows of `values` in `order`; rows from `good` on are zeros.
fn with_zeros<T: Copy + Default>(values: &[T], good: usize, order: &[usize]) -> Vec<T> {
    let width = values.len().checked_div(good).unwrap_or(0);
    let mut out = Vec::with_capacity(order.len() * width);
    for row in order {
        match values.get(row * width..(row + 1) * width) {
            Some(row) => out.extend_from_slice(row),
            None => out.resize(out.len() + width, T::default()),
        }
    }
    out
}
