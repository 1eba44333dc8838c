//! The deletion of a trained sample leads to another version.

use super::keyed::training_sets;
use crate::broker::brokers;
use crate::needs::KAFKA;
use crate::program::{decided, pipeline, run_to_end};
use crate::topics::{new_topic, produce_keyed};

crate::suite::tests! {
    deleted_samples_lead_to_a_training_without_them needs KAFKA,
    deletions_take_effect_at_their_own_times_and_a_burst_trains_once needs KAFKA,
}

fn deleted_samples_lead_to_a_training_without_them() {
    let brokers = brokers();
    let topic = new_topic(brokers, "on_delete", 2);
    // 40 samples of 20 keys, another one, and the deletion of one that both versions were trained on.
    let rows: Vec<(String, Option<String>)> = (0..40)
        .map(|i| (format!("k{}", i % 20), Some(format!("{{\"a\":{i},\"c\":{}}}", i % 2))))
        .chain([("more".to_owned(), Some("{\"a\":1,\"c\":1}".to_owned()))])
        .chain([("nobody".to_owned(), None), ("k0".to_owned(), None)])
        .collect();
    let messages = rows.iter().enumerate().map(|(i, (key, row))| {
        let row = row.as_ref().map(|row| row.as_bytes());
        ((i % 2) as i32, 1_000 + i as i64, Some(key.as_str()), row)
    });
    produce_keyed(brokers, &topic, messages);
    let text = format!(
        "name = \"on_delete\"
        on_delete = \"retrain\"
        codec.json = {{ features = [\"a\"], label = \"c\" }}
        trigger.amount.every = 20
        selection.new_data.tail = \"all\"
        model.mlp.hidden = [2]
        training = {{}}
        source.kafka = {{ brokers = \"{brokers}\", topics = [\"{topic}\"], until = \"end\", keyed = true }}"
    );
    let mut first = None;
    for (workers, poll) in [(1, 1000), (3, 2)] {
        let (summary, folder) = run_to_end(&pipeline(&text), workers, poll);
        let reasons: Vec<&str> =
            summary.own.triggers.iter().map(|line| &*line.trigger.reason.text).collect();
        assert_eq!(reasons, ["20 samples", "20 samples", "1 deleted sample"]);
        let sets = training_sets(&folder.path().join("state"));
        assert_eq!((sets[1].len(), sets[2].len()), (20, 20));
        assert_eq!(sets[1].difference(&sets[2]).collect::<Vec<_>>(), [&(0, 0, 10)]);
        assert_eq!(summary.own.versions.len(), 3);
        let decided = decided(&summary);
        assert_eq!(first.get_or_insert(decided.clone()), &decided, "{workers} workers");
    }
}

fn deletions_take_effect_at_their_own_times_and_a_burst_trains_once() {
    let brokers = brokers();
    let topic = new_topic(brokers, "burst", 2);
    // 80 samples a second apart; then the first 60 are deleted, every 15 s; then one more sample.
    let start = 1_700_000_000_000_i64;
    let keys: Vec<String> = (0..80).map(|i| format!("k{i}")).collect();
    let rows: Vec<String> = (0..80).map(|i| format!("{{\"a\":{i},\"c\":{}}}", i % 2)).collect();
    let last: &[u8] = b"{\"a\":1,\"c\":1}";
    let inserts = (0..80).map(|i| (i, start + 1000 * i as i64, Some(rows[i].as_bytes())));
    let deletions = (0..60).map(|i| (i, start + 80_000 + 15_000 * i as i64, None));
    let messages = inserts
        .chain(deletions)
        .map(|(i, time, row)| ((i % 2) as i32, time, Some(keys[i].as_str()), row))
        .chain([0, 1].map(|part| (part, start + 2_000_000, Some("more"), Some(last))));
    produce_keyed(brokers, &topic, messages);
    let text = |on_delete: &str, trigger: &str| {
        format!(
            "name = \"burst\"
            on_delete = {on_delete}
            codec.json = {{ features = [\"a\"], label = \"c\" }}
            {trigger}
            selection.new_data.tail = \"all\"
            model.mlp.hidden = [2]
            training = {{}}
            source.kafka = {{ brokers = \"{brokers}\", topics = [\"{topic}\"], until = \"end\", keyed = true }}"
        )
    };
    // a decision every five minutes of event time sees the 20 deletions of each.
    let every = "trigger.time = { every = \"5m\" }";
    let (_, folder) = run_to_end(&pipeline(&text("\"keep\"", every)), 1, 1000);
    let sets = training_sets(&folder.path().join("state"));
    let sizes: Vec<usize> = sets.iter().map(|set| set.len()).collect();
    assert_eq!(sizes[..3], [65, 45, 25], "{sizes:?}");
    // the burst is answered by one training.
    let once = text("{ retrain_within = \"20m\" }", "trigger.amount.every = 80");
    for (workers, poll) in [(1, 1000), (2, 7)] {
        let (summary, _folder) = run_to_end(&pipeline(&once), workers, poll);
        let reasons: Vec<&str> =
            summary.own.triggers.iter().map(|line| &*line.trigger.reason.text).collect();
        assert_eq!(reasons, ["80 samples", "60 deleted samples"]);
    }
    let each = text("\"retrain\"", "trigger.amount.every = 80");
    let (summary, _folder) = run_to_end(&pipeline(&each), 1, 1000);
    let times: Vec<i64> =
        summary.own.triggers.iter().map(|line| line.trigger.position.time).collect();
    assert_eq!(times[..3], [start + 79_000, start + 80_000, start + 95_000]);
    assert_eq!(summary.own.triggers.len(), 61);
}
