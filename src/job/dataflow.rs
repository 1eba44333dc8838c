//! The dataflow of a job.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use driftmill_operators::Position;
use driftmill_operators::flow::{
    CountClasses, Decide, Evaluate, HostedShadow, Order, OrderAll, Ordered, Select, Shadow as _,
    ShadowDecision, Train,
};
use driftmill_operators::trigger::Outcome;
use timely::dataflow::ProbeHandle;
use timely::dataflow::StreamVec;
use timely::dataflow::operators::{ConnectLoop, Exchange, Feedback, Inspect, Probe};
use timely::worker::Worker;

use super::Context;
use super::branch::hosted_policy::HostedPolicy;
use super::coordinator::command::{Command, PolicyId};
use super::ingest::keyed;
use super::ingest::operator::Ingest;
use super::services::scorer::Scorer;
use super::services::trainer::Trainer;

/// Builds the dataflow on one worker and runs it until it ends or is stopped.
pub(super) fn work(worker: &mut Worker, context: &Arc<Context>) {
    let released = ProbeHandle::new();
    let observed = ProbeHandle::new();
    let dataflows = worker.next_dataflow_index();
    let ingest = match Ingest::open(context, worker) {
        Ok(ingest) => Rc::new(RefCell::new(ingest)),
        Err(error) => return context.fail(error),
    };
    worker.dataflow_named("driftmill", |scope| {
        let changes = Ingest::stream(&ingest, scope, released.clone(), observed.clone());
        let ordered = keyed::newest(changes.order(), context);
        let all = ordered.clone().order_all().probe_with(&released);
        if context.pipeline.source.keyed().is_some() {
            count_classes(&ordered, context);
        }
        for (number, branch) in context.branches.iter().enumerate() {
            let outcomes = build_branch(&all, &ordered, context, number, &observed);
            let shadows = if number == 0 { &context.shadows[..] } else { &[] };
            for (number, shadow) in shadows.iter().enumerate() {
                let policy = HostedPolicy {
                    id: PolicyId::Shadow(number),
                    trigger: context.init(&shadow.trigger),
                    checkpoint: shadow.start.checkpoint.clone(),
                    context: Arc::clone(context),
                    models: Arc::clone(branch),
                };
                let commands = context.commands.clone();
                let on_decision = move |decision: ShadowDecision| {
                    commands.send(Command::ShadowDecision(number, Box::new(decision)));
                };
                let versions = branch.evaluated().versions;
                let shadowed = all.clone().shadow(outcomes.clone(), move |wake| HostedShadow {
                    hosted: policy.host(wake),
                    versions,
                    on_decision,
                });
                shadowed.probe_with(&observed);
            }
        }
    });
    while worker.has_dataflows() && !context.stopping() {
        worker.step_or_park(Some(Duration::from_millis(20)));
        // decisions continue after everything is read.
        ingest.borrow_mut().follow(&released, &observed);
    }
    if context.stopping() {
        (dataflows..worker.next_dataflow_index()).for_each(|index| worker.drop_dataflow(index));
    }
}

/// Counts classes of streams with retractions. Of other streams only the newest part is seen after a
/// restart.
fn count_classes(ordered: &Ordered<'_>, context: &Arc<Context>) {
    let counting = Arc::clone(context);
    let interval = context.pipeline.evaluation.interval.map(|span| span.millis());
    let counts = ordered.clone().count_classes(interval).exchange(|_| 0);
    counts.inspect(move |change| {
        counting.classes.lock().add(change);
    });
}

fn build_branch<'scope>(
    all: &Ordered<'scope>,
    ordered: &Ordered<'scope>,
    context: &Arc<Context>,
    number: usize,
    observed: &ProbeHandle<Position>,
) -> StreamVec<'scope, Position, Outcome> {
    let scope = all.scope();
    let branch = &context.branches[number];
    let (handle, back) = scope.feedback(1);
    let trainer = Trainer::starter(context, number);
    let scorer = Scorer::starter(context, branch);
    let policy = HostedPolicy {
        id: PolicyId::Branch(number),
        trigger: context.pipeline.on_delete.around(context.init(&branch.trigger)),
        checkpoint: branch.start.checkpoint.clone(),
        context: Arc::clone(context),
        models: Arc::clone(branch),
    };
    let decisions = all.clone().decide(back, move |wake| policy.host(wake));
    let worker = scope.worker().index();
    let checkpoints = context.selection_checkpoints(branch, worker);
    let sets = ordered.clone().select(decisions.clone(), branch.selection.clone(), checkpoints);
    let outcomes = sets.train(trainer);
    outcomes.clone().connect_loop(handle);
    decisions.probe_with(observed);
    let commands = context.commands.clone();
    ordered
        .clone()
        .evaluate(outcomes.clone(), branch.evaluated(), scorer)
        .exchange(|_| 0)
        .inspect(move |scores| {
            commands.send(Command::Scores { branch: number, scores: scores.clone() });
        })
        .probe_with(observed);
    outcomes
}
