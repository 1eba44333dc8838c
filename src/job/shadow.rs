use std::sync::{Arc, Mutex};

use driftmill_operators::Position;
use driftmill_operators::flow::{
    HostedTrigger, ShadowDecision, Ordered, Shadow as _, HostedShadow, TriggerCheckpoint, shadowed,
};
use driftmill_operators::trigger::{Outcome, Trigger, TriggerTable};
use timely::dataflow::StreamVec;

use super::oracle::Oracle;
use super::unrecorded::Notes;
use super::{Branch, Context};
use crate::catalog::{BranchRecord, ShadowRecord};
use crate::config::shadow_key;
use crate::report::FiredLine;
use crate::source::Partition;

/// A policy that trains nothing, on the stream and the models of the pipeline's own branch.
pub struct Shadow {
    /// Its name.
    pub name: String,
    /// Its name in the catalog.
    pub(super) key: String,
    trigger: TriggerTable,
    start: ShadowRecord,
    pub(super) notes: Notes,
    fired: Mutex<Vec<FiredLine>>,
}

impl Shadow {
    /// A shadow that goes on from where it stood.
    pub(super) fn new(
        name: &str,
        trigger: &TriggerTable,
        start: ShadowRecord,
        partitions: &[Partition],
    ) -> Self {
        let next = start.standing.as_ref().map_or(0, |standing| standing.next_trigger);
        let past = start.fired.iter().filter(|fired| fired.number < next);
        let line = |fired| FiredLine::of(fired, super::place(partitions, fired.position));
        Self {
            name: name.to_owned(),
            key: shadow_key(name),
            trigger: trigger.clone(),
            fired: Mutex::new(past.map(line).collect()),
            start,
            notes: Notes::default(),
        }
    }

    /// Where it fired so far.
    pub fn fired(&self) -> Vec<FiredLine> {
        self.fired.lock().expect("no one panics while a shadow fires").clone()
    }

    /// The first position that it has not seen.
    pub(super) fn resume_at(&self) -> Position {
        self.start.standing.as_ref().map_or(Position::MIN, |standing| standing.at)
    }

    /// Shows it the ordered stream `all`; branch `own`, whose outcomes these are, has the models that
    /// it asks.
    pub(super) fn build<'scope>(
        (all, outcomes): (Ordered<'scope>, StreamVec<'scope, Position, Outcome>),
        context: &Arc<Context>,
        shadow: &Arc<Self>,
        own: &Arc<Branch>,
    ) -> StreamVec<'scope, Position, ()> {
        let oracle = Oracle::starter(context, own);
        let trigger = context.init(&shadow.trigger);
        let every = context.pipeline.checkpoint.every.get();
        let (context, versions) = (Arc::clone(context), own.evaluated().versions);
        let [shadow, keep, tell, fire] = [(); 4].map(|()| Arc::clone(shadow));
        let fired = move |fired: ShadowDecision| {
            let line = FiredLine::of(&fired, context.place(fired.position));
            fire.fired.lock().expect("no one panics while a shadow fires").push(line);
            fire.notes.lock().fired.push(fired);
        };
        all.shadow(outcomes, move |wake| HostedShadow {
            hosted: HostedTrigger {
                trigger,
                checkpoint: shadow.start.standing.clone(),
                service: oracle(wake),
                on_checkpoint: move |standing| keep.notes.lock().standing = Some(standing),
                checkpoint_interval: every,
                on_evaluation: move |look| tell.notes.lock().looks.push(look),
            },
            versions,
            on_decision: fired,
        })
    }
}

/// Where a shadow begins that is new in a run, or was away: where the pipeline's own policy stands,
/// which has nothing to say of what was before.
pub(super) fn beginning(trigger: Box<dyn Trigger>, own: &BranchRecord, past: &[ShadowDecision]) -> TriggerCheckpoint {
    let own = own.standing.as_ref();
    TriggerCheckpoint {
        at: own.map_or(Position::MIN, |own| own.at),
        decisions_before: 0,
        next_trigger: past.last().map_or(0, |last| last.number + 1),
        version: own.and_then(|own| own.version),
        open: None,
        policy: shadowed(trigger).save(),
    }
}
