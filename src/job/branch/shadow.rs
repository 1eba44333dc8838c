use std::sync::{Arc, Mutex};

use driftmill_operators::Position;
use driftmill_operators::flow::{
    Deciding, Fired, Ordered, Shadow as _, Shadowing, Standing, shadowed,
};
use driftmill_operators::trigger::{Outcome, Trigger, TriggerTable};
use timely::dataflow::StreamVec;

use super::journal::Journal;
use crate::catalog::{BranchRecord, ShadowRecord};
use crate::config::shadow_key;
use crate::job::services::model_queries::ModelQueries;
use crate::job::{Branch, Context};
use crate::report::FiredLine;
use crate::source::Partition;

/// A policy that trains nothing, on the stream and the models of the pipeline's own branch.
pub struct Shadow {
    /// Its name.
    pub name: String,
    /// Its name in the catalog.
    pub(in crate::job) key: String,
    trigger: TriggerTable,
    start: ShadowRecord,
    pub(in crate::job) journal: Journal,
    fired: Mutex<Vec<FiredLine>>,
}

impl Shadow {
    /// A shadow that goes on from where it stood.
    pub(in crate::job) fn new(
        name: &str,
        trigger: &TriggerTable,
        start: ShadowRecord,
        partitions: &[Partition],
    ) -> Self {
        let next = start.standing.as_ref().map_or(0, |standing| standing.next_trigger);
        let past = start.fired.iter().filter(|fired| fired.number < next);
        let line = |fired| FiredLine::of(fired, crate::job::place(partitions, fired.position));
        Self {
            name: name.to_owned(),
            key: shadow_key(name),
            trigger: trigger.clone(),
            fired: Mutex::new(past.map(line).collect()),
            start,
            journal: Journal::default(),
        }
    }

    /// Where it fired so far.
    pub fn fired(&self) -> Vec<FiredLine> {
        self.fired.lock().expect("no one panics while a shadow fires").clone()
    }

    /// The first position that it has not seen.
    pub(in crate::job) fn resume_at(&self) -> Position {
        self.start.standing.as_ref().map_or(Position::MIN, |standing| standing.at)
    }

    /// Shows it the ordered stream `all`; branch `own`, whose outcomes these are, has the models that
    /// it asks.
    pub(in crate::job) fn build<'scope>(
        (all, outcomes): (Ordered<'scope>, StreamVec<'scope, Position, Outcome>),
        context: &Arc<Context>,
        shadow: &Arc<Self>,
        own: &Arc<Branch>,
    ) -> StreamVec<'scope, Position, ()> {
        let model_queries = ModelQueries::starter(context, own);
        let trigger = context.init(&shadow.trigger);
        let every = context.pipeline.checkpoint.every.get();
        let (context, versions) = (Arc::clone(context), own.evaluated().versions);
        let [shadow, keep, tell, fire] = [(); 4].map(|()| Arc::clone(shadow));
        let fired = move |fired: Fired| {
            let line = FiredLine::of(&fired, context.place(fired.position));
            fire.fired.lock().expect("no one panics while a shadow fires").push(line);
            fire.journal.lock().fired.push(fired);
        };
        all.shadow(outcomes, move |wake| Shadowing {
            deciding: Deciding {
                trigger,
                standing: shadow.start.standing.clone(),
                service: model_queries(wake),
                keep: move |standing| keep.journal.lock().standing = Some(standing),
                every,
                tell: move |look| tell.journal.lock().looks.push(look),
            },
            versions,
            fired,
        })
    }
}

/// Where a shadow begins that is new in a run, or was away: where the pipeline's own policy stands,
/// which has nothing to say of what was before.
pub(in crate::job) fn beginning(
    trigger: Box<dyn Trigger>,
    own: &BranchRecord,
    past: &[Fired],
) -> Standing {
    let own = own.standing.as_ref();
    Standing {
        at: own.map_or(Position::MIN, |own| own.at),
        decided_before: 0,
        next_trigger: past.last().map_or(0, |last| last.number + 1),
        version: own.and_then(|own| own.version),
        open: None,
        policy: shadowed(trigger).save(),
    }
}
