//! Runs a custom trigger policy in a timely dataflow.
#![expect(clippy::print_stdout, reason = "an example shows its result")]

use driftmill_operators::prelude::*;
use serde::{Deserialize, Serialize};
use timely::dataflow::operators::vec::Map;
use timely::dataflow::operators::{ConnectLoop, Feedback, Input, Inspect};

/// Fires at a label that is greater than all earlier labels.
#[derive(Default, Serialize, Deserialize)]
struct GreaterLabel {
    greatest: u32,
}

impl Trigger for GreaterLabel {
    fn observe(&mut self, change: &Change) -> Step {
        match change.record.label {
            Some(label) if label > self.greatest => {
                self.greatest = label;
                let reason = Reason::plain("greater_label", format!("label {label}"));
                Step::Fire(Firing::plain(Cut::After, reason))
            }
            _ => Step::Continue,
        }
    }

    fn retained_samples(&self, _visit: &mut dyn FnMut(Id)) {}
}

/// The decisions about samples with the labels 0, 0, 3, 1.
fn decisions() -> Vec<Decision> {
    let (send, decisions) = std::sync::mpsc::channel();
    timely::execute_directly(move |worker| {
        let mut input = worker.dataflow::<Position, _, _>(|scope| {
            let (input, changes) = scope.new_input::<Vec<Change>>();
            let (handle, outcomes) = scope.feedback(1);
            let decided = changes
                .order()
                .order_all()
                .decide(outcomes, |_wake| {
                    HostedTrigger::new(
                        Box::new(GreaterLabel::default()),
                        immediate(|_query| Matrix::default()),
                    )
                })
                .inspect(move |it| send.send(it.decision.clone()).expect("the receiver lives"));
            // nothing is trained here, but the policy waits for an outcome: report one without a version.
            decided
                .map(|it| Outcome::failed(it.decision.trigger, it.decision.end()))
                .connect_loop(handle);
            input
        });
        for (i, label) in [0, 0, 3, 1].into_iter().enumerate() {
            let position = Position::new(i as i64, Id(i as u64));
            input.send(Change::insert(Record::new(position, 0, i as i64, Some(label))));
        }
    });
    decisions.iter().collect()
}

fn main() {
    for Decision { trigger, reason, .. } in decisions() {
        println!("trigger {trigger}: {}", reason.text);
    }
}

#[test]
fn a_custom_policy_is_hosted() {
    let texts: Vec<String> = decisions().into_iter().map(|it| it.reason.text).collect();
    assert_eq!(texts, ["label 3"]);
}
