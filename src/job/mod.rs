//! A job: source → order → trigger → selection → training → publishing, as one dataflow.
//!
//! ```text
//!  ingest (a reader, a log writer and the rules of order, per worker)
//!     └─► order ─► upsert (keyed sources) ─┬─► branch: the pipeline's own policies
//!                       │                  └─► branch: each policy it is compared with
//!                       └─► orphans: labels to which no sample came
//!  branch:  decide ─► select ─► train ─► outcomes ─► evaluate
//!             ▲                            │
//!             └────────── feedback ────────┘
//! ```
//!
//! Slow and outside things are services of the operators: `trainer` trains, stores and publishes,
//! `oracle` answers policies, `scorer` scores samples. All three ask the branch's model
//! runtime, of which there is one for each device.

mod context;
mod describe;
mod ingest;
mod interrupt;
mod keyed;
mod oracle;
mod placing;
mod rows;
mod run;
mod scorer;
mod state;
mod trainer;

pub use context::{Branch, Context};
pub use interrupt::Interrupt;
pub use run::{Ended, Options, run};
pub use state::{StateDirectory, StateError};

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use driftmill_operators::Position;
use driftmill_operators::flow::{
    CountClasses, Decide, Evaluate, Order, OrderAll, Ordered, Select, Train,
};
use timely::dataflow::ProbeHandle;
use timely::dataflow::operators::{ConnectLoop, Feedback, Inspect, Probe};
use timely::worker::Worker;

use ingest::Ingest;

/// Builds the dataflow on one worker and runs it until it ends or is stopped.
fn work(worker: &mut Worker, context: &Arc<Context>) {
    let released = ProbeHandle::new();
    let observed = ProbeHandle::new();
    let dataflow = worker.next_dataflow_index();
    let ingest = match Ingest::open(context, worker.index(), worker.peers()) {
        Ok(ingest) => Rc::new(RefCell::new(ingest)),
        Err(error) => return context.fail(error),
    };
    worker.dataflow_named("driftmill", |scope| {
        let changes = Ingest::stream(&ingest, scope, released.clone(), observed.clone());
        let ordered = keyed::newest(changes.order(), context);
        let all = ordered.clone().order_all().probe_with(&released);
        let counting = Arc::clone(context);
        let interval = context.pipeline.evaluation.interval.map(|span| span.millis());
        ordered.clone().count_classes(interval).inspect(move |change| {
            counting.classes.lock().expect("no one panics while counting").add(change);
        });
        for branch in &context.branches {
            build_branch(&all, &ordered, context, branch, &observed);
        }
    });
    while worker.has_dataflows() && !context.stopping() {
        worker.step_or_park(Some(Duration::from_millis(20)));
        // decisions go on when all is read.
        ingest.borrow_mut().follow(&released, &observed);
    }
    if context.stopping() {
        worker.drop_dataflow(dataflow);
    }
}

fn build_branch<'scope>(
    all: &Ordered<'scope>,
    ordered: &Ordered<'scope>,
    context: &Arc<Context>,
    branch: &Arc<Branch>,
    observed: &ProbeHandle<Position>,
) {
    let scope = all.scope();
    let (handle, back) = scope.feedback(1);
    let (oracle, trainer, scorer, results) = (
        oracle::Oracle::starter(context, branch),
        trainer::Trainer::starter(context, branch),
        scorer::Scorer::starter(context, branch),
        Arc::clone(branch),
    );
    let decisions = all.clone().decide(back, branch.trigger.init(), oracle);
    let sets = ordered.clone().select(decisions.clone(), branch.selection.clone());
    let outcomes = sets.train(trainer);
    outcomes.clone().connect_loop(handle);
    decisions.probe_with(observed);
    ordered
        .clone()
        .evaluate(outcomes, scorer)
        .inspect(move |scored| results.scored(scored))
        .probe_with(observed);
}
