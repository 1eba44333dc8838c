//! Decides, selects and trains on a timely stream, with a closure as the training service.
#![expect(clippy::print_stdout, reason = "an example shows its result")]

use std::sync::{Arc, mpsc};

use driftmill_operators::prelude::*;
use timely::dataflow::operators::{ConnectLoop, Feedback, Input};

/// The sizes of the training sets of 1,000 samples.
fn trained() -> Vec<usize> {
    let (send, trained) = mpsc::channel();
    timely::execute_directly(move |worker| {
        let mut input = worker.dataflow::<Position, _, _>(|scope| {
            let (input, changes) = scope.new_input::<Vec<Change>>();
            let ordered = changes.order();
            let (handle, outcomes) = scope.feedback(1);
            let decisions = ordered.clone().order_all().decide(outcomes, |_wake| {
                let table: TriggerTable = toml::from_str("amount.every = 100").expect("a trigger");
                HostedTrigger::new(table.init(), immediate(|_query| Matrix::default()))
            });
            let table: SelectionTable =
                toml::from_str("random = { samples = 50 }").expect("a selection");
            ordered
                .select(decisions, Arc::new(table), SelectionCheckpoints::default())
                .train(move |_wake| {
                    immediate(move |TrainingRequest { set, .. }| {
                        send.send(set.rows.len()).expect("the receiver lives");
                        let (number, end) = (set.decision.trigger, set.decision.end());
                        Outcome::trained(number, number, end)
                    })
                })
                .connect_loop(handle);
            input
        });
        for i in 0..1000 {
            let position = Position::new(i, Id(i as u64));
            input.send(Change::insert(Record::new(position, 0, i, Some(0))));
        }
    });
    trained.iter().collect()
}

fn main() {
    println!("trained on {:?} samples", trained());
}

#[test]
fn a_stream_is_trained_on() {
    assert_eq!(trained(), [50; 10]);
}
