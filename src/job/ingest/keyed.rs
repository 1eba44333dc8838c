//! The newest sample of each key, for keyed sources.

use std::sync::Arc;

use driftmill_operators::Change;
use driftmill_operators::flow::{Ordered, Upsert};
use timely::dataflow::operators::Inspect;

use crate::dead_letters::DeadLetter;
use crate::job::Context;

/// The error class of a label without a sample.
pub(in crate::job) const NO_SAMPLE: &str = "no_sample";

/// The newest sample of each key with its newest label, for keyed sources. Labels without a sample become
/// dead letters.
pub(in crate::job) fn newest<'scope>(
    changes: Ordered<'scope>,
    context: &Arc<Context>,
) -> Ordered<'scope> {
    if context.pipeline.source.keyed().is_none() {
        return changes;
    }
    let (changes, orphans) = changes.upsert(context.pipeline.order.label_wait);
    let context = Arc::clone(context);
    orphans.inspect(move |orphan| {
        context.status.read(0, 1, 0);
        context.commands.send_dead_letters(vec![dead_letter(&context, orphan)]);
    });
    changes
}

/// Creates the dead letter of a label. Its bytes are not stored during the wait, so the reason describes
/// it.
fn dead_letter(context: &Context, orphan: &Change) -> DeadLetter {
    let label = &orphan.record;
    let value = label.label.map_or("no class".to_owned(), |class| format!("class {class}"));
    let until = orphan.at.time();
    DeadLetter {
        topic: context.topic(label.id().topic()).to_owned(),
        partition: label.id().partition(),
        offset: label.id().offset(),
        timestamp: Some(label.time),
        stage: "label".to_owned(),
        error: NO_SAMPLE.to_owned(),
        reason: format!("{value}: no sample with its key arrived until {until}"),
        ..DeadLetter::default()
    }
}
