//! Prequential evaluation of samples whose labels arrive later.

use std::sync::Arc;

use driftmill_operators::flow::{
    Evaluate, Evaluated, Order, Scorable, Scored, ToScore, Upsert, immediate,
};
use driftmill_operators::trigger::Outcome;
use driftmill_operators::{Change, Id, Kind, Position, Record, Span};
use parking_lot::Mutex;
use timely::dataflow::operators::Input;

fn change(kind: Kind, id: Id, label: Option<u32>, time: i64) -> Change {
    let key = u128::from(id.offset()) + 1;
    let position = Position::new(time, id);
    Change::new(kind, Record::new(position, key, time, label))
}

#[test]
fn a_late_label_is_scored_by_the_version_that_was_active_when_its_sample_came() {
    let asked: Arc<Mutex<Vec<ToScore>>> = Arc::default();
    let requests = Arc::clone(&asked);
    timely::execute_directly(move |worker| {
        let (mut input, mut outcomes) = worker.dataflow::<Position, _, _>(|scope| {
            let (input, changes) = scope.new_input::<Vec<Change>>();
            let (outcomes, made) = scope.new_input::<Vec<Outcome>>();
            let (ordered, _orphans) = changes.order().upsert(Span::from_millis(0));
            ordered.evaluate(made, Evaluated::default(), move |_wake| {
                immediate(move |request: ToScore| {
                    requests.lock().push(request);
                    Vec::<Scored>::new()
                })
            });
            (input, outcomes)
        });
        for (offset, time) in [(0, 10), (1, 20), (2, 30)] {
            input.send(change(Kind::Insert, Id::new(0, 0, offset), None, time));
        }
        // sample 1 has its label at once, and the label is corrected.
        for (offset, label, time) in [(1, 4, 21), (0, 5, 40), (2, 6, 50), (1, 7, 60)] {
            input.send(change(Kind::Label, Id::new(1, 0, offset), Some(label), time));
        }
        for (version, from) in [(1, 15), (2, 25)] {
            outcomes.send(Outcome {
                samples: 1,
                ..Outcome::trained(version - 1, version, Position::new(from, Id(0)))
            });
        }
    });
    let mut scored: Vec<(Option<u64>, u64, u32, i64)> = Vec::new();
    for request in asked.lock().iter() {
        let row = |s: &Scorable| (request.version, s.id.offset(), s.label, s.count);
        scored.extend(request.samples.iter().map(row));
    }
    let wanted = [
        (None, 0, 5, 1),
        (Some(1), 1, 4, 1),
        (Some(1), 1, 7, 1),
        (Some(1), 1, 4, -1),
        (Some(2), 2, 6, 1),
    ];
    assert_eq!(scored, wanted);
}
