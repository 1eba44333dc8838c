//! `on_delete = "retrain"`: the deletion of a sample that the newest version was trained on leads to
//! another version.

use std::collections::BTreeSet;

use driftmill_operators::selection::{SelectionTable, TrainingSet};
use driftmill_operators::trigger::{
    Amount, Cut, OnDelete, Outcome, Step, Trigger, TriggerConfig, TriggerTable,
};
use driftmill_operators::{Change, Id, Kind, Position};
use proptest::prelude::*;

use crate::keyed::follows;
use crate::upsert::{Setting, streams, training_sets};

const TRIGGERS: [&str; 2] = ["amount.every = 5", "time.every = \"9ms\""];

/// The training set of the newest version before `at`.
fn known(sets: &[TrainingSet], at: Position) -> BTreeSet<Id> {
    let before = |set: &&TrainingSet| set.decision.end() <= at && !set.rows.is_empty();
    let newest = sets.iter().rfind(before);
    newest.into_iter().flat_map(|set| set.rows.iter().map(|row| row.id())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn deleted_samples_lead_to_a_training_without_them(
        partitions in streams(),
        wait in prop_oneof![Just(0i64), 1i64..60],
        trigger in prop::sample::select(TRIGGERS.to_vec()),
        selection in prop::sample::select(crate::host::selections()),
        workers in prop::sample::select(vec![2usize, 4]),
        batch in 1usize..20,
    ) {
        let trigger: TriggerTable = toml::from_str(trigger).unwrap();
        let selection: SelectionTable = toml::from_str(&selection).unwrap();
        let sets_with = |setting: &Setting, on_delete| {
            training_sets(&partitions, setting, &trigger, &selection, on_delete)
        };
        let one = Setting { wait, workers: 1, batch: 1000 };
        let sets = sets_with(&one, OnDelete::Retrain);
        let many = Setting { wait, workers, batch };
        prop_assert_eq!(&sets, &sets_with(&many, OnDelete::Retrain));

        // each deletion of a sample that the newest version was trained on leads to a decision.
        let changes = follows(&partitions.concat(), wait).changes;
        let deleted = changes.iter().filter(|change| change.kind == Kind::Delete);
        let deleted = deleted.filter(|change| known(&sets, change.at).contains(&change.record.id()));
        let wanted: Vec<Position> = deleted.map(|change| change.at).collect();
        let (forgot, others): (Vec<_>, Vec<_>) =
            sets.iter().partition(|set| set.decision.reason.policy == "on_delete");
        let found: Vec<Position> = forgot.iter().map(|set| set.decision.position).collect();
        prop_assert_eq!(found, wanted);
        prop_assert!(forgot.iter().all(|set| set.decision.cut == Cut::After));

        // the trigger's own decisions are at the same positions as without `on_delete`.
        let place = |set: &TrainingSet| {
            (set.decision.position, set.decision.cut, set.decision.reason.clone())
        };
        let kept = sets_with(&one, OnDelete::Keep);
        let kept: Vec<_> = kept.iter().map(place).collect();
        prop_assert_eq!(others.into_iter().map(place).collect::<Vec<_>>(), kept);
    }

    #[test]
    fn a_restored_policy_retrains_as_if_never_stopped(
        partitions in streams(),
        cut in any::<prop::sample::Index>(),
    ) {
        let changes = follows(&partitions.concat(), 0).changes;
        let cut = cut.index(changes.len() + 1);
        let start = || OnDelete::Retrain.around(toml::from_str::<Amount>("every = 3").unwrap().init());
        let mut there = BTreeSet::new();
        let (mut first, mut second) = (start(), start());
        decisions(&mut *first, &changes[..cut], &mut there);
        second.load(&first.save()).unwrap();
        let mut there_too = there.clone();
        let went_on = decisions(&mut *first, &changes[cut..], &mut there);
        prop_assert_eq!(went_on, decisions(&mut *second, &changes[cut..], &mut there_too));
        prop_assert!(second.load(&[]).is_err());
    }
}

/// Shows changes to a policy. Each of its decisions trains on all current samples. The changes are shown in
/// batches, because a batch must have the same effect as its single changes.
fn decisions(
    trigger: &mut dyn Trigger,
    changes: &[Change],
    there: &mut BTreeSet<Id>,
) -> Vec<(Position, String)> {
    let mut made = Vec::new();
    let mut next = 0;
    while next < changes.len() {
        let (passed, step) = trigger.observe_all(&changes[next..]);
        let passed = passed + usize::from(matches!(step, Step::Fire(_)));
        for change in &changes[next..next + passed] {
            match change.kind {
                Kind::Insert => there.insert(change.record.id()),
                _ => change.kind == Kind::Retract && there.remove(&change.record.id()),
            };
        }
        next += passed;
        if let Step::Fire(decision) = step {
            made.push((changes[next - 1].at, decision.reason.text));
            trigger.trained(&Outcome {
                samples: there.len() as u64,
                ids: there.iter().copied().collect(),
                ..Outcome::trained(0, 1, changes[next - 1].at.next())
            });
        }
    }
    made
}
