//! One item of a column of lists: `features[0]`.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt64Array};
use arrow::compute::take;
use arrow::datatypes::{DataType, Schema};
use arrow::error::ArrowError;

/// The list and the number in `list[number]`.
fn parse(name: &str) -> Option<(&str, i32)> {
    let (list, number) = name.strip_suffix(']')?.rsplit_once('[')?;
    Some((list, number.parse().ok().filter(|number| *number >= 0)?))
}

/// Whether `name` is an item of a list column, and its lists are long enough.
pub(super) fn has_item(schema: &Schema, name: &str) -> bool {
    let Some((list, number)) = parse(name) else { return false };
    let found = schema.field_with_name(list).map(|field| field.data_type());
    matches!(found, Ok(DataType::FixedSizeList(_, length)) if number < *length)
}

/// This item of each row; none if there is no such item.
pub(super) fn items(batch: &RecordBatch, name: &str) -> Option<Result<ArrayRef, ArrowError>> {
    let (list, number) = parse(name)?;
    let lists = batch.column_by_name(list)?.as_fixed_size_list_opt()?;
    let place =
        |row| lists.is_valid(row).then(|| (lists.value_offset_at(row) + number as usize) as u64);
    let places: UInt64Array = (0..lists.len()).map(place).collect();
    Some(take(lists.values(), &places, None))
}
