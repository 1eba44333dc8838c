//! Ensembles of triggers: the order of votes and their duration.
use std::collections::BTreeSet;

use crate::host::{Seen, decisions, run, stream};
use crate::labelled::{insert, places, play, trigger, zero};
use driftmill_operators::Change;
use driftmill_operators::trigger::{Cut, Measurement, Step, Trigger, TriggerTable};
use proptest::prelude::*;

const AMOUNTS: &str = "members.a.amount = { every = 4 }\nmembers.b.amount = { every = 6 }\n\
                       members.c.amount = { every = 14 }";

fn ensemble(settings: &str, members: &str) -> Box<dyn Trigger> {
    trigger(&format!("[ensemble]\n{settings}\n{members}"))
}

fn decided(settings: &str, members: &str, changes: &[Change]) -> Vec<(usize, Cut)> {
    decisions(&mut *ensemble(settings, members), changes, 1000)
}

fn after(indices: &[usize]) -> Vec<(usize, Cut)> {
    indices.iter().map(|index| (*index, Cut::After)).collect()
}

#[test]
fn votes_are_counted_of_all_members_from_the_beginning() {
    let found = |settings: &str| decided(settings, AMOUNTS, &stream(0..30));
    // a: 3, 7, 11, …  b: 5, 11, 17, …  c: 13, 27
    assert_eq!(found("vote = \"any\""), after(&[3, 5, 7, 11, 13, 15, 17, 19, 23, 27, 29]));
    assert_eq!(found("vote = \"majority\""), after(&[5, 11, 15, 19, 23, 27]));
    assert_eq!(found("vote = { at_least = 2 }"), found("vote = \"majority\""));
    assert_eq!(found("vote = \"all\""), after(&[13, 27]));
    assert_eq!(found("vote = { at_least = 3 }"), found("vote = \"all\""));
}

#[test]
fn a_vote_without_an_evaluation_counts_at_its_change() {
    let found = |settings: &str| {
        decided(&format!("votes = \"evaluation\"\n{settings}"), AMOUNTS, &stream(0..84))
    };
    assert_eq!(found("vote = \"majority\""), after(&[11, 23, 27, 35, 41, 47, 55, 59, 71, 83]));
    assert_eq!(found("vote = \"all\""), after(&[83]));
}

#[test]
fn a_member_that_decides_before_a_change_votes_before_it() {
    let members = "members.a.amount = { every = 3 }\nmembers.t.time = { every = \"10ms\" }";
    let times = [0, 1, 9, 10, 11, 35, 36, 40, 41];
    let before = |index| (index, Cut::Before);
    // time decides before 3, 5 and 7; amount after 2, 5 and 8.
    let any = [(2, Cut::After), before(3), before(5), (5, Cut::After), before(7)];
    let any = [&any[..], &[(8, Cut::After)]].concat();
    assert_eq!(decided("vote = \"any\"", members, &stream(times)), any);
    // after 2 and before 3; before and after 5; before 7 and after 8.
    let all = [before(3), (5, Cut::After), (8, Cut::After)];
    assert_eq!(decided("vote = \"all\"", members, &stream(times)), all);
    // only at sample 5 both votes belong to one change.
    let settings = "vote = \"all\"\nvotes = \"evaluation\"";
    assert_eq!(decided(settings, members, &stream(times)), [(5, Cut::After)]);
}

#[test]
fn a_training_before_a_change_does_not_cover_it() {
    // in the order of names, the member that holds samples is the first.
    let members = "members.a.drift = { every = 100, metrics.ks = { threshold = 0.5 }, \
                   windows.amount = { reference = 50, current = 50 } }\n\
                   members.b.ensemble.members.t.time = { every = \"10ms\" }";
    let mut trigger = ensemble("", members);
    for change in stream([0, 5, 9, 10]) {
        let step = trigger.observe(&change);
        let mut held = BTreeSet::new();
        trigger.retained_samples(&mut |id| held.extend([id]));
        let before = matches!(step, Step::Fire(decision) if decision.cut == Cut::Before);
        assert_eq!(before, change.record.id().offset() == 3);
        assert_eq!(held.contains(&change.record.id()), !before);
    }
}

#[test]
fn a_vote_ends_with_an_evaluation_that_does_not_fire() {
    let members = "members.bad.performance = { every = 4, metrics.accuracy = { threshold = 0.5 } }\n\
                   members.late.amount = { every = 11 }";
    // the prediction is always class 0; samples 4 to 7 are of class 1.
    let changes: Vec<Change> = (0..30).map(|i| insert(i, Some(u32::from(i / 4 == 1)))).collect();
    let mut sticky = ensemble("vote = \"all\"", members);
    let said = play(&mut *sticky, &changes, 1.0, &zero);
    // the warm-up votes at 3 without a measurement, because there is no model; amount votes at 10.
    assert_eq!(places(&said)[0], 10);
    let first: Vec<_> = said.measurements.iter().map(votes).collect();
    assert_eq!(first[..2], [vec![true, false], vec![true, false]]);

    let checkpoint = |extra: &str| {
        let settings = "vote = { at_least = 2 }\nvotes = \"evaluation\"";
        let mut trigger = ensemble(settings, &format!("{members}\n{extra}"));
        places(&play(&mut *trigger, &changes, 1.0, &zero))
    };
    // the first training: the warm-up and `first`, both after sample 3. The vote at 7 ends at 11, so that
    // it overlaps with the vote at 10 but not with the one at 21.
    let first = |every: u64| format!("members.first.amount = {{ every = {every} }}");
    assert_eq!(checkpoint(&first(4)), [3, 7]);
}

fn votes(measurement: &Measurement) -> Vec<bool> {
    measurement.scores.iter().map(|score| score.fires).collect()
}

#[test]
fn a_change_gives_one_evaluation_with_those_of_all_members() {
    let features =
        "every = 10, on = \"features\", windows.amount = { reference = 20, current = 10 }";
    let drift = |threshold| format!("{{ {features}, metrics.ks = {{ threshold = {threshold} }} }}");
    let members = format!("members.a.drift = {}\nmembers.b.drift = {}", drift(0.9), drift(-1.0));
    let mut trigger = ensemble("vote = \"all\"", &members);
    let (mut asked, mut measurements) = (0, Vec::new());
    run(&mut *trigger, &stream(0..60), 40, &mut |index, seen| {
        let (measurement, decided) = match seen {
            Seen::Asked(_) => return asked += 1,
            Seen::Measured(measurement) => (measurement, false),
            Seen::Fired(decision) => (decision.measurement.as_ref().unwrap(), true),
        };
        measurements.push((
            index,
            decided,
            std::mem::take(&mut asked),
            measurement.members.len(),
            votes(measurement),
        ));
    });
    let one = |index, asked| (index, false, asked, 2, vec![false, true]);
    let all = |index, asked, members| (index, true, asked, members, vec![true, true]);
    // the warm-up; both members ask about reference and current, then about current; drift; the reference
    // is new.
    let wanted = [all(9, 0, 0), one(19, 4), one(29, 2), one(39, 2), all(49, 2, 2), one(59, 4)];
    assert_eq!(measurements, wanted);
}

#[test]
fn every_member_receives_the_outcome_of_a_training() {
    let cost = "data_incorporation_cost = { every = 4, conversion = 1, training.measured = { window = 2 } }";
    let members = format!(
        "members.a.{cost}\nmembers.z.ensemble.members.b.{cost}\n\
                           members.t.amount = {{ every = 8 }}"
    );
    let changes: Vec<Change> = (0..60).map(|i| insert(i, Some(0))).collect();
    let said = play(&mut *ensemble("vote = \"any\"", &members), &changes, 10.0, &zero);
    let mut thresholds = Vec::new();
    gather(&said.measurements, &mut thresholds);
    assert!(thresholds.len() > 10 && thresholds.iter().all(|threshold| *threshold == 10.0));
}

fn gather(measurements: &[Measurement], thresholds: &mut Vec<f64>) {
    for measurement in measurements {
        thresholds.extend(measurement.scores.iter().filter_map(|score| score.threshold));
        gather(&measurement.members, thresholds);
    }
}

#[test]
fn impossible_ensembles_are_refused() {
    let problems = |text: &str| toml::from_str::<TriggerTable>(text).unwrap().check();
    let text = |problems: Vec<(&str, String)>| {
        problems.iter().map(|(key, problem)| format!("{key}: {problem}")).collect::<Vec<_>>()
    };
    let none = "members: name at least one, as in members.often.amount = { every = 1000 }";
    assert_eq!(text(problems("[ensemble]\nmembers = {}")), [none]);
    let found = problems(&format!("[ensemble]\nvote = {{ at_least = 4 }}\n{AMOUNTS}"));
    assert_eq!(text(found), ["vote: at least 4 of 3 can never agree"]);
    let found = problems("[ensemble]\nmembers.x.ensemble.members.y.time = { every = \"0s\" }");
    let wanted = "members: x.ensemble.members: y.time.every: a period must be longer than zero";
    assert_eq!(text(found), [wanted]);
}

fn table(key: &str, example: &str) -> String {
    // sub-tables of the example are below the member, too.
    toml::from_str::<toml::Table>(&format!("[{key}]\n{example}")).unwrap().to_string()
}

/// An ensemble of these policies, in the order of the catalog.
fn of(places: &[usize], settings: &str) -> Box<dyn Trigger> {
    let mut text = format!("[ensemble]\n{settings}\n");
    for place in places {
        let entry = &TriggerTable::CATALOG[*place];
        let member: toml::Table = toml::from_str(&table(entry.0, entry.1)).unwrap();
        let named = toml::Table::from_iter([(format!("m{place}"), toml::Value::Table(member))]);
        let members = toml::Table::from_iter([("members".to_owned(), named.into())]);
        let all = toml::Table::from_iter([("ensemble".to_owned(), members.into())]);
        text += &toml::to_string(&all).unwrap().replace("[ensemble]\n", "");
    }
    trigger(&text)
}

#[test]
fn one_member_decides_as_it_does_alone() {
    let changes = stream((0..6000).map(|i| i * 100_000));
    for (place, entry) in TriggerTable::CATALOG.iter().enumerate() {
        let alone: TriggerTable = toml::from_str(&table(entry.0, entry.1)).unwrap();
        let alone = decisions(&mut *alone.init(), &changes, 3000);
        for settings in ["vote = \"all\"", "vote = \"majority\"\nvotes = \"evaluation\""] {
            let found = decisions(&mut *of(&[place], settings), &changes, 3000);
            assert_eq!(found, alone, "{} {settings}", entry.0);
        }
    }
}

const SETTINGS: [&str; 5] = [
    "vote = \"any\"",
    "vote = \"majority\"",
    "vote = \"all\"",
    "vote = \"any\"\nvotes = \"evaluation\"",
    "vote = { at_least = 2 }\nvotes = \"evaluation\"",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_restored_ensemble_continues(
        members in prop::sample::subsequence((0..TriggerTable::CATALOG.len()).collect::<Vec<_>>(), 2..5),
        settings in prop::sample::select(SETTINGS.to_vec()),
        cut in 0usize..2000,
    ) {
        let changes = stream((0..2000).map(|i| i * 100_000));
        let (mut first, mut second) = (of(&members, settings), of(&members, settings));
        decisions(&mut *first, &changes[..cut], 1000);
        second.load(&first.save()).unwrap();
        let [went_on, restored] =
            [first, second].map(|mut trigger| decisions(&mut *trigger, &changes[cut..], 1000));
        prop_assert_eq!(went_on, restored);
        let mut other = ensemble("", "members.other.amount = { every = 1 }");
        prop_assert!(other.load(&of(&members, settings).save()).is_err());
    }

    #[test]
    fn any_is_the_union_and_the_order_of_names_does_not_matter(
        a in 1u64..9, b in 1u64..9, c in 1i64..9,
        times in prop::collection::vec(-20i64..60, 0..60),
    ) {
        let mut times = times;
        times.sort_unstable();
        let changes = stream(times);
        let named = |[x, y, z]: [&str; 3]| format!(
            "members.{x}.amount = {{ every = {a} }}\nmembers.{y}.amount = {{ every = {b} }}\n\
             members.{z}.time = {{ every = \"{c}ms\" }}");
        for settings in SETTINGS {
            let [one, other] = [["x", "y", "z"], ["z", "y", "x"]]
                .map(|names| decided(settings, &named(names), &changes));
            prop_assert_eq!(one, other);
        }
        let alone = |table: &str| decisions(&mut *trigger(table), &changes, 1000);
        let mut union = [a, b].map(|every| alone(&format!("amount.every = {every}"))).concat();
        union.sort_unstable();
        union.dedup();
        union.extend(alone(&format!("time.every = \"{c}ms\"")));
        union.sort_unstable();
        let found = decided("vote = \"any\"", &named(["x", "y", "z"]), &changes);
        prop_assert_eq!(found, union);
    }
}

#[test]
fn batches_of_changes_give_the_same_steps_as_single_changes() {
    let changes = stream((0..6000).map(|i| i * 100_000));
    let all: Vec<usize> = (0..3).collect();
    let (mut one, mut many) = (of(&all, SETTINGS[1]), of(&all, SETTINGS[1]));
    let mut next = 0;
    while next < changes.len() {
        let (passed, step) = many.observe_all(&changes[next..]);
        for change in &changes[next..next + passed] {
            assert_eq!(one.observe(change), Step::Continue);
        }
        next += passed;
        if next < changes.len() {
            assert_eq!(one.observe(&changes[next]), step);
            next += usize::from(!matches!(step, Step::Fire(found) if found.cut == Cut::Before));
        }
    }
}
