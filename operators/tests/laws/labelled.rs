//! Labelled samples, and a host for triggers that ask for predictions.

use driftmill_operators::trigger::{
    Firing, Measurement, Outcome, Question, Step, Trigger, TriggerTable, Want,
};
use driftmill_operators::{Change, Id, Kind, Matrix, Position, Record};

pub(crate) fn trigger(table: &str) -> Box<dyn Trigger> {
    let table: TriggerTable = toml::from_str(table).unwrap();
    assert_eq!(table.check(), []);
    table.init()
}

pub(crate) fn record(offset: u64, label: Option<u32>) -> Record {
    let id = Id::new(0, 0, offset);
    Record::new(Position::new(offset as i64 * 1000, id), 0, 0, label)
}

pub(crate) fn insert(offset: u64, label: Option<u32>) -> Change {
    Change::insert(record(offset, label))
}

/// A sample's label becomes known, changes or is retracted, at second `at`.
pub(crate) fn label(at: u64, offset: u64, before: Option<u32>, label: Option<u32>) -> Change {
    let at = Position::new(at as i64 * 1000, Id::new(1, 0, at));
    Change { kind: Kind::Label, at, record: record(offset, label), before }
}

pub(crate) fn retract(at: u64, offset: u64) -> Change {
    let at = Position::new(at as i64 * 1000, Id::new(0, 0, at));
    Change { kind: Kind::Retract, at, record: record(offset, None), before: None }
}

pub(crate) fn offsets(question: &Question) -> Vec<u64> {
    question.ids.iter().map(|id| id.offset()).collect()
}

/// The steps of a trigger, change by change.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Said {
    pub(crate) asked: Vec<Vec<u64>>,
    pub(crate) measurements: Vec<Measurement>,
    pub(crate) decided: Vec<(usize, Firing)>,
}

/// Shows `changes` to a trigger. The model's output for each sample is `row`.
pub(crate) fn play(
    trigger: &mut dyn Trigger,
    changes: &[Change],
    seconds: f64,
    row: &dyn Fn(u64) -> [f32; 2],
) -> Said {
    let mut said = Said::default();
    for (index, change) in changes.iter().enumerate() {
        let mut step = trigger.observe(change);
        if let Step::Ask(question) = &step {
            assert_eq!(question.want, Want::Predictions);
            said.asked.push(offsets(question));
            let rows = question.ids.iter().flat_map(|id| row(id.offset())).collect();
            step = trigger.answer(&Matrix::new(2, rows));
        }
        match step {
            Step::Measured(measurement) => said.measurements.push(measurement),
            Step::Fire(decision) => {
                said.measurements.extend(decision.measurement.clone());
                said.decided.push((index, decision));
                trigger.trained(&Outcome {
                    samples: 10,
                    seconds,
                    ..Outcome::trained(0, 1, change.at)
                });
            }
            _ => {}
        }
    }
    said
}

pub(crate) fn zero(_: u64) -> [f32; 2] {
    [0.75, 0.25]
}

pub(crate) fn values(said: &Said) -> Vec<f64> {
    said.measurements
        .iter()
        .flat_map(|measurement| &measurement.scores)
        .map(|score| score.value)
        .collect()
}

pub(crate) fn places(said: &Said) -> Vec<usize> {
    said.decided.iter().map(|(index, _)| *index).collect()
}
