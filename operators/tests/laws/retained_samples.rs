//! Policies never use samples again that they do not retain. Retention can therefore remove these samples.
use std::collections::BTreeSet;

use crate::host::{Seen, run, selections, stream};
use driftmill_operators::selection::{SelectionConfig, SelectionTable};
use driftmill_operators::trigger::{Trigger, TriggerTable};
use driftmill_operators::{Change, Id};

fn changes() -> Vec<Change> {
    stream((0..2600).map(|i| i * 100_000))
}

fn held(trigger: &dyn Trigger) -> BTreeSet<Id> {
    let mut held = BTreeSet::new();
    trigger.retained_samples(&mut |id| held.extend([id]));
    held
}

#[test]
fn triggers_ask_only_about_samples_that_they_held() {
    for (key, example) in TriggerTable::CATALOG {
        let table: TriggerTable = toml::from_str(&format!("[{key}]\n{example}")).unwrap();
        let (mut trigger, mut known) = (table.init(), BTreeSet::new());
        for change in changes() {
            known.insert(change.record.id());
            run(&mut *trigger, std::slice::from_ref(&change), 1300, &mut |_, seen| {
                if let Seen::Asked(question) = seen {
                    assert!(question.ids.iter().all(|id| known.contains(id)), "{key}");
                }
            });
            // a sample that is not retained is never retained again.
            let now = held(&*trigger);
            assert!(now.is_subset(&known), "{key}");
            known = now;
        }
    }
}

#[test]
fn selections_propose_only_samples_that_they_held() {
    let others = [
        "[new_data]\ntail = \"all\"",
        "[new_data]\ntail = 2\nlimit = 50",
        "[new_data]\ntail = 1\nlimit = 900\nkeep = \"uniform\"",
        "[new_data]\ntail = 1\nlimit = 70\nkeep = \"reservoir\"",
    ];
    for text in selections().into_iter().chain(others.map(str::to_owned)) {
        let table: SelectionTable = toml::from_str(&text).unwrap();
        let (mut partition, mut known) = (table.init(), BTreeSet::new());
        for (number, change) in changes().iter().enumerate() {
            known.insert(change.record.id());
            partition.observe(change);
            if number % 150 == 149 {
                // the samples that it holds just before are all that it may propose.
                let mut may = BTreeSet::new();
                partition.retained_samples(&mut |id| may.extend([id]));
                let proposed = partition.propose(number as u64 / 150);
                assert!(proposed.candidates.iter().all(|row| may.contains(&row.id())), "{text}");
                let choice = table.combine(proposed);
                let ids: Vec<Id> = choice.rows.iter().map(|row| row.id()).collect();
                assert!(ids.iter().all(|id| may.contains(id)), "{text}");
                if table.remembers() {
                    partition.chosen(&ids, choice.round);
                }
            }
            let mut now = BTreeSet::new();
            partition.retained_samples(&mut |id| now.extend([id]));
            assert!(now.is_subset(&known), "{text}");
            known = now;
        }
    }
}
