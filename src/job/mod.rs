//! A job: source → order → trigger → selection → training → publishing, as one dataflow.
//!
//! ```text
//!  ingest (a reader, a log writer and the rules of order, per worker)
//!     └─► order ─► upsert (keyed sources) ─┬─► branch: the pipeline's own policies
//!                       │                  ├─► branch: each policy it is compared with
//!                       │                  └─► shadow: each policy that trains nothing
//!                       └─► unmatched labels: labels without a sample
//!  branch:  decide ─► select ─► train ─► outcomes ─► evaluate
//!             ▲                            │
//!             └────────── feedback ────────┤
//!  shadow of the pipeline's own branch:  ◄─┘
//! ```
//!
//! Operators send commands to the `coordinator`, the one thread of process 0 that records them. They send
//! slow tasks to `services`: the trainer trains, the model queries answer policies, and the scorer scores
//! samples. All three use the model runtime of the branch.
//!
//! If several processes run a job, process 0 decides and trains. The others, its followers, read, score,
//! and handle requests of the coordinator.

mod branch;
mod context;
mod coordinator;
mod ingest;
mod maintenance;
mod publish;
mod run;
mod services;

pub use branch::history::BranchHistory;
pub use branch::shadow::Shadow;
pub use branch::state::Branch;
pub use context::Context;
pub(crate) use context::place;
pub use coordinator::follower::follow;
pub(crate) use ingest::changes::changes;
pub use maintenance::tiering::{CatalogAccess, Upload, remove_expired_objects};
pub use publish::predecessors::{Digests, Known, Occupied, Others, decide};
pub use publish::publisher::{Listener, Outlet, Publisher};
pub use run::interrupt::Interrupt;
pub use run::lifecycle::{Ended, Options, run};
pub use run::no_samples::NoSamples;
pub use run::state_directory::{StateDirectory, StateError};
pub use run::supervise::End;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use driftmill_operators::Position;
use driftmill_operators::flow::{
    CountClasses, Decide, Evaluate, Order, OrderAll, Ordered, Select, Train,
};
use driftmill_operators::trigger::Outcome;
use timely::dataflow::ProbeHandle;
use timely::dataflow::StreamVec;
use timely::dataflow::operators::{ConnectLoop, Exchange, Feedback, Inspect, Probe};
use timely::worker::Worker;

use branch::hosted_policy::HostedPolicy;
use coordinator::command::{Command, PolicyId};
use ingest::operator::Ingest;
use services::scorer::Scorer;
use services::trainer::Trainer;

/// Builds the dataflow on one worker and runs it until it ends or is stopped.
fn work(worker: &mut Worker, context: &Arc<Context>) {
    let released = ProbeHandle::new();
    let observed = ProbeHandle::new();
    let dataflows = worker.next_dataflow_index();
    let ingest = match Ingest::open(context, worker) {
        Ok(ingest) => Rc::new(RefCell::new(ingest)),
        Err(error) => return context.fail(error),
    };
    worker.dataflow_named("driftmill", |scope| {
        let changes = Ingest::stream(&ingest, scope, released.clone(), observed.clone());
        let ordered = ingest::keyed::newest(changes.order(), context);
        let all = ordered.clone().order_all().probe_with(&released);
        if context.pipeline.source.keyed().is_some() {
            count_classes(&ordered, context);
        }
        for (number, branch) in context.branches.iter().enumerate() {
            let outcomes = build_branch(&all, &ordered, context, number, &observed);
            let shadows = if number == 0 { &context.shadows[..] } else { &[] };
            for shadow in shadows.iter().enumerate() {
                let seen = (all.clone(), outcomes.clone());
                let (number, shadow) = shadow;
                shadow.build(number, context, branch, seen).probe_with(&observed);
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
