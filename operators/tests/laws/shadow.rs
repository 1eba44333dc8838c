//! Shadows fire at the same positions for all numbers of workers, batches and restarts.
use std::sync::Arc;

use driftmill_operators::flow::{
    Decide, HostedShadow, HostedTrigger, ModelQuery, OrderAll, Select, SelectionCheckpoints,
    Shadow, ShadowDecision, Train, TrainingRequest, TriggerCheckpoint, TriggerEvaluation,
    immediate,
};
use driftmill_operators::selection::NewData;
use driftmill_operators::trigger::{Cut, Outcome, TriggerTable};
use driftmill_operators::{Change, Id, Position, Record};
use parking_lot::Mutex;
use proptest::prelude::*;
use timely::dataflow::operators::{ConnectLoop, Feedback};

use crate::determinism::trained;
use crate::keyed::follows;
use crate::upsert::{Partition, Setting, feed, streams};

#[derive(Clone, Debug, Default)]
struct Reported {
    fired: Vec<ShadowDecision>,
    checkpoints: Vec<TriggerCheckpoint>,
    evaluations: Vec<TriggerEvaluation>,
    asked: Vec<(Position, Option<u64>)>,
    outcomes: Vec<Outcome>,
}

/// The outputs of a model, which depend on its version.
fn says(asked: &ModelQuery) -> driftmill_operators::Matrix {
    crate::host::answer(&asked.question, 10 + asked.version.unwrap_or(0) * 7 % 30)
}

fn shadow(
    partitions: &[Partition],
    setting: &Setting,
    policy: &str,
    from: Option<TriggerCheckpoint>,
) -> Reported {
    let reported: Arc<Mutex<Reported>> = Arc::default();
    let all = Arc::clone(&reported);
    let policy: TriggerTable = toml::from_str(policy).unwrap();
    feed(partitions, setting, move |ordered, _unmatched| {
        let first = ordered.scope().worker().index() == 0;
        let [fired, kept, evaluations, asked, made] =
            std::array::from_fn(|_| Arc::clone(&reported));
        let (handle, back) = ordered.scope().feedback(1);
        let real: TriggerTable = toml::from_str("amount.every = 7").unwrap();
        let all = ordered.clone().order_all();
        let decisions = all.clone().decide(back, move |_wake| HostedTrigger {
            trigger: real.init(),
            checkpoint: None,
            service: immediate(|asked: ModelQuery| says(&asked)),
            on_checkpoint: |_| {},
            checkpoint_interval: u64::MAX,
            on_evaluation: drop,
        });
        let selection = Arc::new(NewData::default());
        let outcomes = ordered.select(decisions, selection, SelectionCheckpoints::default()).train(
            move |_wake| {
                immediate(move |TrainingRequest { set, .. }| {
                    let outcome = trained(&set);
                    made.lock().outcomes.push(outcome.clone());
                    outcome
                })
            },
        );
        outcomes.clone().connect_loop(handle);
        let (trigger, checkpoint) = (policy.init(), from.clone());
        all.shadow(outcomes, move |_wake| HostedShadow {
            hosted: HostedTrigger {
                trigger,
                checkpoint,
                service: immediate(move |question: ModelQuery| {
                    asked.lock().asked.push((question.position, question.version));
                    says(&question)
                }),
                on_checkpoint: move |checkpoint| kept.lock().checkpoints.push(checkpoint),
                checkpoint_interval: 5,
                on_evaluation: move |measurement| {
                    let measurement = TriggerEvaluation { seconds: 0.0, ..measurement };
                    evaluations.lock().evaluations.push(measurement);
                },
            },
            versions: Vec::new(),
            on_decision: move |one| {
                assert!(first);
                fired.lock().fired.push(one);
            },
        });
    });
    all.lock().clone()
}

const POLICIES: [&str; 6] = [
    "amount.every = 5",
    "time.every = \"9ms\"",
    "new_class.samples = 2",
    "drift = { every = 6, on = \"features\", windows.amount = { reference = 20, current = 8 }, \
     metrics.ks = { threshold = 0.4 } }",
    "drift = { every = 4, windows.amount = { reference = 12, current = 6 }, \
     metrics.mmd = { threshold = { quantile = 0.5, of = 4 } } }",
    "ensemble = { vote = \"majority\", members.a.amount.every = 4, members.t.time.every = \"7ms\", \
     members.d.drift = { every = 6, windows.amount = { reference = 20, current = 8 }, \
     metrics.ks = { threshold = 0.4 } } }",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn shadows_fire_alike_on_any_workers_and_after_restarts(
        partitions in streams(),
        wait in prop_oneof![Just(0i64), 1i64..60],
        policy in prop::sample::select(POLICIES.to_vec()),
        batch in 1usize..20,
        cut in any::<prop::sample::Index>(),
    ) {
        let one = Setting { wait, workers: 1, batch: 1000 };
        let reported = shadow(&partitions, &one, policy, None);
        let many = Setting { wait, workers: 4, batch };
        let other = shadow(&partitions, &many, policy, None);
        prop_assert_eq!(&reported.fired, &other.fired);
        prop_assert_eq!(&reported.evaluations, &other.evaluations);

        // questions are asked of the version that is active at their change.
        let active = |at: Position| {
            let newest =
                reported.outcomes.iter().rfind(|o| o.version.is_some() && o.effective <= at);
            newest.and_then(|outcome| outcome.version)
        };
        prop_assert!(other.asked.iter().all(|(at, version)| *version == active(*at)));
        prop_assert!(reported.fired.iter().all(|fired| fired.version == active(fired.position)));

        // resume from every checkpoint.
        let kept = [reported.checkpoints.clone(), other.checkpoints].concat();
        if kept.is_empty() {
            return Ok(());
        }
        let checkpoint = kept[cut.index(kept.len())].clone();
        prop_assert!(checkpoint.open.is_none());
        let (next, at) = (checkpoint.next_trigger as usize, checkpoint.at);
        let again = shadow(&partitions, &many, policy, Some(checkpoint));
        prop_assert_eq!(&again.fired[..], &reported.fired[next..]);
        let later = reported.evaluations.iter().filter(|measurement| {
            measurement.position >= at && measurement.trigger as usize >= next
        });
        let later: Vec<_> = later.cloned().collect();
        prop_assert_eq!(again.evaluations, later);
    }

    #[test]
    fn a_shadow_without_questions_fires_where_a_trigger_decides(
        partitions in streams(),
        policy in prop::sample::select(POLICIES[..2].to_vec()),
        workers in 1usize..4,
        batch in 1usize..20,
    ) {
        let changes = follows(&partitions.concat(), 0).changes;
        let table: TriggerTable = toml::from_str(policy).unwrap();
        let alone = crate::host::decisions(&mut *table.init(), &changes, 40);
        let alone: Vec<(Position, Cut)> =
            alone.into_iter().map(|(index, cut)| (changes[index].at, cut)).collect();
        let reported = shadow(&partitions, &Setting { wait: 0, workers, batch }, policy, None);
        let fired: Vec<_> =
            reported.fired.iter().map(|fired| (fired.position, fired.cut)).collect();
        prop_assert_eq!(fired, alone);
    }
}

#[test]
fn answers_of_an_earlier_version_are_not_reused() {
    let place =
        |i: i64| Record::new(Position::new(i, Id::new(0, 0, i as u64)), i as u128 + 1, i, Some(0));
    let partition: Partition = (0..32).map(|i| Change::insert(place(i))).collect();
    let policy = "drift = { every = 4, windows.amount = { reference = 12, current = 4 }, \
                  metrics.ks = { threshold = 2.0 } }";
    let reported = shadow(&[partition], &Setting { wait: 0, workers: 1, batch: 50 }, policy, None);
    let asked: Vec<_> =
        reported.asked.iter().map(|(at, version)| (at.time(), version.unwrap())).collect();
    // the versions from 7, 14, 21 and 28 on; each is asked once about the reference.
    let wanted =
        [(11, 0), (11, 0), (15, 1), (15, 1), (19, 1), (23, 2), (23, 2), (27, 2), (31, 3), (31, 3)];
    assert_eq!(asked, wanted);
}
