//! Records per second through order, amount trigger and new-data selection, compared with a plain loop that
//! does the same over a vector.
//!
//!     cargo bench -p driftmill-operators --bench flow

use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use driftmill_operators::flow::{
    Decide, HostedTrigger, ModelQuery, Order, OrderAll, Select, SelectionCheckpoints, Service,
    Train, TrainingRequest,
};
use driftmill_operators::selection::{NewData, SelectionConfig};
use driftmill_operators::trigger::{Amount, Outcome, Step, TriggerConfig};
use driftmill_operators::{Change, Id, Matrix, Position, Record};
use timely::dataflow::operators::{ConnectLoop, Feedback, Input};

const RECORDS: u64 = 4_000_000;
const BATCH: u64 = 1024;
const EVERY: u64 = 10_000;
const ROUNDS: usize = 7;

fn change(i: u64) -> Change {
    let time = i as i64;
    let position = Position::new(time, Id::new(0, 0, i));
    Change::insert(Record::new(position, 0, time, Some((i % 10) as u32)))
}

fn amount() -> Amount {
    Amount { every: EVERY.try_into().expect("not zero") }
}

/// A training service that makes a version of every set at once.
struct Prompt(VecDeque<Outcome>, Arc<AtomicU64>);

impl Service<TrainingRequest, Outcome> for Prompt {
    fn ask(&mut self, TrainingRequest { set, .. }: TrainingRequest) {
        self.1.fetch_add(set.rows.len() as u64, Ordering::Relaxed);
        self.0.push_back(Outcome {
            samples: set.rows.len() as u64,
            ..Outcome::trained(set.decision.trigger, set.decision.trigger, set.decision.end())
        });
    }

    fn poll(&mut self) -> Option<Outcome> {
        self.0.pop_front()
    }
}

impl Service<ModelQuery, Matrix> for Prompt {
    fn ask(&mut self, _: ModelQuery) {}

    fn poll(&mut self) -> Option<Matrix> {
        None
    }
}

/// Samples chosen by the dataflow on one worker.
fn dataflow() -> u64 {
    let chosen = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&chosen);
    timely::execute_directly(move |worker| {
        let mut input = worker.dataflow::<Position, _, _>(|scope| {
            let (input, changes) = scope.new_input::<Vec<Change>>();
            let ordered = changes.order();
            let (handle, back) = scope.feedback(1);
            let (asked, trained) = (Arc::clone(&counter), counter);
            let decisions = ordered.clone().order_all().decide(back, |_| HostedTrigger {
                trigger: amount().init(),
                checkpoint: None,
                service: Prompt(VecDeque::new(), asked),
                on_checkpoint: drop,
                checkpoint_interval: 1_000_000,
                on_evaluation: drop,
            });
            ordered
                .select(decisions, Arc::new(NewData::default()), SelectionCheckpoints::default())
                .train(|_| Prompt(VecDeque::new(), trained))
                .connect_loop(handle);
            input
        });
        for start in (0..RECORDS).step_by(BATCH as usize) {
            let end = RECORDS.min(start + BATCH);
            let mut batch: Vec<Change> = (start..end).map(change).collect();
            input.send_batch(&mut batch);
            input.advance_to(Position::new(end as i64, Id(0)));
            worker.step();
        }
    });
    chosen.load(Ordering::Relaxed)
}

/// The same as a loop over a vector.
fn plain_loop() -> u64 {
    let (mut trigger, config) = (amount().init(), NewData::default());
    let mut selection = config.init();
    let (mut chosen, mut decided) = (0, 0);
    for start in (0..RECORDS).step_by(BATCH as usize) {
        let batch: Vec<Change> = (start..RECORDS.min(start + BATCH)).map(change).collect();
        for change in &batch {
            selection.observe(change);
            if let Step::Fire(_) = trigger.observe(change) {
                chosen += config.combine(selection.propose(decided)).rows.len() as u64;
                decided += 1;
            }
        }
    }
    chosen
}

#[expect(clippy::disallowed_methods, reason = "a benchmark is about time, not a policy")]
fn rate(run: impl Fn() -> u64) -> f64 {
    let begun = Instant::now();
    assert_eq!(black_box(run()), RECORDS / EVERY * EVERY);
    RECORDS as f64 / begun.elapsed().as_secs_f64()
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its results")]
fn main() {
    let mut rounds: Vec<[f64; 3]> = (0..ROUNDS)
        .map(|_| {
            let (flow, plain) = (rate(dataflow), rate(plain_loop));
            [flow / plain, flow, plain]
        })
        .collect();
    rounds.sort_by(|a, b| a[0].total_cmp(&b[0]));
    let [ratio, flow, plain] = rounds[ROUNDS / 2];
    println!("dataflow   {:6.2} M records/s", flow / 1e6);
    println!("plain loop {:6.2} M records/s", plain / 1e6);
    println!("ratio      {ratio:6.2} (median of {ROUNDS} alternating rounds; goal 0.3)");
}
