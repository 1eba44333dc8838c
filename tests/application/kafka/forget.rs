//! A deletion of what the newest version knows leads to another version.

use super::keyed::training_sets;
use crate::broker::brokers;
use crate::needs::KAFKA;
use crate::program::{decided, pipeline, run_to_end};
use crate::topics::{create, produce_keyed, unique};

crate::suite::tests! {
    what_is_deleted_is_forgotten needs KAFKA,
}

fn what_is_deleted_is_forgotten() {
    let brokers = brokers();
    let topic = unique("forget");
    create(brokers, &topic, 2);
    // 40 samples of 20 keys, another one, and a deletion of one that both versions know.
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
        "name = \"forget\"
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
        let reasons: Vec<&str> = summary.triggers.iter().map(|line| &*line.reason).collect();
        assert_eq!(reasons, ["20 samples", "20 samples", "1 deleted sample"]);
        let sets = training_sets(&folder.path().join("state"));
        assert_eq!((sets[1].len(), sets[2].len()), (20, 20));
        assert_eq!(sets[1].difference(&sets[2]).collect::<Vec<_>>(), [&(0, 0, 10)]);
        assert_eq!(summary.versions.len(), 3);
        let decided = decided(&summary);
        assert_eq!(first.get_or_insert(decided.clone()), &decided, "{workers} workers");
    }
}
