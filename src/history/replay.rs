//! Replays of the log with the rules of keyed sources.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use driftmill_operators::flow::{Order, Upsert};
use driftmill_operators::{Change, Position};
use timely::container::CapacityContainerBuilder;
use timely::dataflow::InputHandle;
use timely::dataflow::operators::{Input, Inspect};

use super::{History, HistoryError};
use crate::store::{Log, LogBatch, Replay, StoreError};

/// The part of a run that is replayed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown {
    /// Only changes of this key; all changes if it is none.
    pub(super) key: Option<u128>,
    /// Only changes before this position.
    pub(super) until: Position,
}

impl Shown {
    /// The whole run.
    pub(super) const ALL: Self = Self { key: None, until: Position::MAX };
}

/// The changes of one partition, in the order of the log.
struct Part {
    batches: Box<dyn Iterator<Item = Result<LogBatch, StoreError>>>,
    next: VecDeque<Change>,
}

impl History {
    /// Calls `see` with `state` and each change of the run, in the order in which policies observe them.
    /// Returns the state.
    ///
    /// # Errors
    /// When the log is damaged.
    pub(super) fn replay<T: Send + Sync + 'static>(
        &self,
        shown: Shown,
        state: T,
        see: impl FnMut(&mut T, &Change) + Send + Sync + 'static,
    ) -> Result<T, HistoryError> {
        let (log, wait) = (self.log.clone(), self.pipeline.order.label_wait);
        let keyed = self.pipeline.source.keyed().is_some();
        let streams: Vec<u32> = self.partitions.iter().map(|part| part.id(0).stream()).collect();
        let replayed = timely::execute_directly(move |worker| {
            let seen = Rc::new(RefCell::new((state, see)));
            let sees = Rc::clone(&seen);
            let mut input = worker.dataflow::<Position, _, _>(|scope| {
                let (input, changes) = scope.new_input::<Vec<Change>>();
                let ordered = changes.order();
                let ordered = if keyed { ordered.upsert(wait).0 } else { ordered };
                ordered.inspect_core(move |event| {
                    let Ok((_, batch)) = event else { return };
                    let (state, see) = &mut *sees.borrow_mut();
                    let changes = batch.iter();
                    // changes that still wait for labels at the end have no effect yet.
                    changes.filter(|change| change.at < shown.until).for_each(|c| see(state, c));
                });
                input
            });
            feed(&mut input, &log, &streams, keyed, shown, &mut || {
                worker.step();
            })?;
            input.close();
            while worker.has_dataflows() {
                worker.step();
            }
            let cell = Rc::try_unwrap(seen).ok();
            Ok(cell.map(|cell| cell.into_inner().0))
        });
        replayed.map_err(HistoryError::Store).map(|state| state.expect("the dataflow has ended"))
    }
}

type Changes = InputHandle<Position, CapacityContainerBuilder<Vec<Change>>>;

/// Sends the changes of the log, one batch of a partition at a time.
fn feed(
    input: &mut Changes,
    log: &Log,
    streams: &[u32],
    keyed: bool,
    shown: Shown,
    step: &mut dyn FnMut(),
) -> Result<(), StoreError> {
    let part = |stream: &u32| Part::of(log, *stream, shown.key);
    let mut parts = streams.iter().map(part).collect::<Result<Vec<Part>, StoreError>>()?;
    loop {
        for part in &mut parts {
            part.fill(keyed, shown)?;
        }
        parts.retain(|part| !part.next.is_empty());
        let first = |part: &&mut Part| part.next[0].at;
        let Some(part) = parts.iter_mut().min_by_key(first) else { return Ok(()) };
        let at = part.next[0].at;
        if at >= shown.until {
            return Ok(());
        }
        input.advance_to(at.max(*input.time()));
        part.next.drain(..).for_each(|change| input.send(change));
        step();
    }
}

impl Part {
    fn of(log: &Log, stream: u32, key: Option<u128>) -> Result<Self, StoreError> {
        let batches: Box<dyn Iterator<Item = _>> = match key {
            Some(key) => Box::new(log.with_key(stream, key)?.into_iter().map(Ok)),
            None => Box::new(Replay::of(log, stream, i64::MIN)),
        };
        Ok(Self { batches, next: VecDeque::new() })
    }

    /// Reads batches until there is a change to send, or no batch is left.
    fn fill(&mut self, keyed: bool, shown: Shown) -> Result<(), StoreError> {
        while self.next.is_empty() {
            let Some(rows) = self.batches.next() else { return Ok(()) };
            let changes = rows?.changes(keyed).into_iter();
            let shown =
                changes.filter(|change| shown.key.is_none_or(|key| change.record.key == key));
            self.next.extend(shown);
        }
        Ok(())
    }
}
