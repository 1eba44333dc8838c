//! The erasure of samples by the `gc` command.

use driftmill_operators::Position;
use roaring::RoaringTreemap;

use crate::cli::error::Usage;
use crate::history::History;
use crate::retention::{Erasure, Needs};
use crate::store::RowKind;

/// The samples of a run to erase: replaced and deleted samples, and those in `named`.
pub(super) fn erasure(
    history: &History,
    needs: &Needs,
    named: &[String],
) -> anyhow::Result<Erasure> {
    let erased = history.catalog.erased()?;
    let (mut unwanted, mut seen) = (RoaringTreemap::new(), RoaringTreemap::new());
    let keyed = history.current.source.keyed().is_some();
    if keyed {
        let statuses = history.statuses()?;
        unwanted = (statuses.replaced | statuses.deleted) - statuses.removed;
        let taken = history.retracted(needs.resume_everywhere(&history.log))?;
        seen = taken.by.iter().map(|(sample, _)| sample.0).collect();
    }
    for name in named {
        let id = history.id(name)?;
        let rows = history.log.batch_with(id)?;
        let row = rows.as_ref().and_then(|rows| rows.ids.binary_search(&id.0).ok());
        let is_sample = |kind: u8| RowKind::of(kind).is_some_and(RowKind::is_sample);
        let Some((rows, row)) = rows.zip(row).filter(|(rows, row)| is_sample(rows.kinds[*row]))
        else {
            return Err(Usage(format!("`{name}` is not a sample in the log")).into());
        };
        if keyed && !unwanted.contains(id.0) {
            let text =
                format!("`{name}` is the newest sample of its key: delete it by the key first");
            return Err(Usage(text).into());
        }
        unwanted.insert(id.0);
        if !keyed && Position::new(rows.position_times[row], id) < needs.resume_at(id.stream()).0 {
            seen.insert(id.0);
        }
    }
    let (unwanted, seen) = (unwanted - &erased, seen - &erased);
    let mut erasure = Erasure::of(&seen, needs, &history.log)?;
    erasure.keep("a restart reads them again", (unwanted - seen).len());
    Ok(erasure)
}
