//! Streams and hosts for policies without a dataflow.

use driftmill_operators::selection::{
    Candidate, Choice, Selection, SelectionConfig, SelectionTable,
};
use driftmill_operators::trigger::{
    Cut, Firing, Measurement, Outcome, Question, Step, Trigger, Want,
};
use driftmill_operators::{Change, Id, Matrix, Position, Record};

/// A change for each time, all of partition 0; labels repeat 0, 1, 2.
pub(crate) fn stream(times: impl IntoIterator<Item = i64>) -> Vec<Change> {
    times
        .into_iter()
        .enumerate()
        .map(|(i, time)| {
            let id = Id::new(0, 0, i as u64);
            let label = Some(i as u32 % 3);
            Change::insert(Record::new(Position::new(time, id), 0, time, label))
        })
        .collect()
}

/// The answers about samples: their features drift from offset `after` on.
pub(crate) fn answer(question: &Question, after: u64) -> Matrix {
    let cols = if question.want == Want::Features { 3 } else { 2 };
    let value = |id: &Id, col: u64| {
        let noise = id.0.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(col as u32 * 7) >> 40;
        let shift = if id.offset() >= after { 2.0 } else { 0.0 };
        noise as f32 / (1u64 << 24) as f32 + shift
    };
    let values = question.ids.iter().flat_map(|id| (0..cols).map(move |col| value(id, col)));
    Matrix::new(cols as usize, values.collect())
}

/// Shows `changes` to a policy as its host does. Every training makes a version at once. Returns (index,
/// cut) of each decision.
pub(crate) fn decisions(
    trigger: &mut dyn Trigger,
    changes: &[Change],
    after: u64,
) -> Vec<(usize, Cut)> {
    let mut made = Vec::new();
    run(trigger, changes, after, &mut |index, seen| {
        if let Seen::Fired(decision) = seen {
            made.push((index, decision.cut));
        }
    });
    made
}

/// The observable behaviour of a policy.
pub(crate) enum Seen<'a> {
    Asked(&'a Question),
    Measured(&'a Measurement),
    Fired(&'a Firing),
}

/// Like [`decisions`], but shows every step of the policy.
pub(crate) fn run(
    trigger: &mut dyn Trigger,
    changes: &[Change],
    after: u64,
    visit: &mut dyn FnMut(usize, Seen<'_>),
) {
    for (index, change) in changes.iter().enumerate() {
        while say(trigger, change, after, &mut |seen| visit(index, seen)) {}
    }
}

/// Shows a change. Returns whether it must be shown again.
fn say(
    trigger: &mut dyn Trigger,
    change: &Change,
    after: u64,
    visit: &mut dyn FnMut(Seen<'_>),
) -> bool {
    let mut step = trigger.observe(change);
    let mut asked = false;
    let decision = loop {
        match step {
            Step::Continue => return false,
            Step::Measured(measurement) => {
                visit(Seen::Measured(&measurement));
                return false;
            }
            Step::Ask(question) => {
                visit(Seen::Asked(&question));
                asked = true;
                step = trigger.answer(&answer(&question, after));
            }
            Step::Fire(decision) => break decision,
        }
    };
    visit(Seen::Fired(&decision));
    trigger.trained(&Outcome { samples: 1, ..Outcome::trained(0, 1, change.at) });
    decision.cut == Cut::Before && !asked
}

/// The choice from one partition, which is then reported to it.
pub(crate) fn select(
    config: &dyn SelectionConfig,
    partition: &mut dyn Selection,
    trigger: u64,
) -> Choice {
    let choice = config.combine(partition.propose(trigger));
    if config.remembers() {
        let ids: Vec<Id> = choice.rows.iter().map(Candidate::id).collect();
        partition.chosen(&ids, choice.round);
    }
    choice
}

/// Every registered selection, with its example and with smaller sizes.
pub(crate) fn selections() -> Vec<String> {
    let others = [
        "new_data = { tail = 1, limit = 5 }",
        "new_data = { tail = \"all\", limit = 9, keep = \"uniform\", seed = 3 }",
        "new_data = { limit = 3, keep = \"uniform\" }",
        "new_data = { limit = 3, tail = 2, keep = \"reservoir\" }",
        "new_data = { limit = 6, tail = \"all\", keep = \"reservoir\" }",
        "random = { samples = 6, seed = 2 }",
        "random = { ratio = 0.3, tail = 1 }",
        "random_no_replacement = { samples = 5 }",
        "random_no_replacement = { ratio = 0.3, samples = 20 }",
        "freshness = { unused_ratio = 0.4, limit = 7 }",
        "label_balanced = { samples = 9, shares = \"full\" }",
        "label_balanced = { ratio = 0.5, shares = \"equal\", tail = 1 }",
        "trigger_balanced = { samples = 9, shares = \"full\", tail = 2 }",
        "trigger_balanced = { ratio = 0.6 }",
        "time_decayed = { half_life = \"10ms\", samples = 6 }",
        "time_decayed = { half_life = \"1d\", ratio = 0.2, tail = 3 }",
        "class_memory = { per_class = 2 }",
        "class_memory = { per_class = 2, keep = \"herding\" }",
        "class_memory = { per_class = 1, keep = \"herding\", pool = 3, seed = 5 }",
    ];
    let examples = SelectionTable::CATALOG.iter();
    let examples = examples.map(|(key, example)| format!("[{key}]\n{example}"));
    examples.chain(others.map(str::to_owned)).collect()
}
