//! Keyed topics: samples that are replaced, deleted and labelled later, in a whole job.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

use roaring::RoaringTreemap;

use crate::broker::brokers;
use crate::needs::KAFKA;
use crate::program::{decided, pipeline, run_to_end};
use crate::small_job::small_job;
use crate::topics::{create, new_topic, produce_keyed, unique};

crate::suite::tests! {
    replaced_and_deleted_samples_are_not_trained_on needs KAFKA,
    a_message_without_a_key_becomes_a_dead_letter needs KAFKA,
    late_and_corrected_labels_change_later_training_sets needs KAFKA,
    invalid_keyed_pipelines_are_rejected,
}

/// Some ids: topic, partition, offset.
pub(crate) type Ids = BTreeSet<(u8, u16, u64)>;

/// The ids of each training set of a run.
pub(crate) fn training_sets(state: &Path) -> Vec<Ids> {
    let catalog = rusqlite::Connection::open(state.join("catalog.sqlite")).unwrap();
    let query = "SELECT ids FROM decisions WHERE branch = '' ORDER BY trigger";
    let mut rows = catalog.prepare(query).unwrap();
    let ids = rows.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap();
    let read = |bytes: Vec<u8>| RoaringTreemap::deserialize_from(&*bytes).unwrap();
    let place = |id: u64| ((id >> 56) as u8, (id >> 40) as u16, id & ((1 << 40) - 1));
    ids.map(|bytes| read(bytes.unwrap()).into_iter().map(place).collect()).collect()
}

/// Two partitions. Message i has time i and the key of partition i mod 2.
pub(crate) struct Stream {
    pub(crate) keys: Vec<String>,
    payloads: Vec<Option<String>>,
}

impl Stream {
    /// 60 keys; every seventh message deletes its key.
    pub(crate) fn new(count: usize) -> Self {
        let key = |i: usize| format!("key-{}", i * 7919 % 60 / 2 * 2 + i % 2);
        let payload = |i: usize| (i % 7 != 3).then(|| format!("{{\"a\":{i},\"c\":{}}}", i % 2));
        Self { keys: (0..count).map(key).collect(), payloads: (0..count).map(payload).collect() }
    }

    /// Fills a new topic with it, whose name begins with `name`.
    pub(crate) fn produce(&self, brokers: &str, name: &str) -> String {
        let topic = new_topic(brokers, name, 2);
        self.produce_part(brokers, &topic, 0..self.keys.len());
        topic
    }

    /// Appends these messages of it to a topic.
    pub(crate) fn produce_part(&self, brokers: &str, topic: &str, part: Range<usize>) {
        let messages = part.map(|i| {
            let payload = self.payloads[i].as_ref().map(|payload| payload.as_bytes());
            ((i % 2) as i32, 1_000 + i as i64, Some(self.keys[i].as_str()), payload)
        });
        produce_keyed(brokers, topic, messages);
    }

    /// The samples that others replaced, and those that were deleted.
    pub(crate) fn retracted(&self) -> (Ids, Ids) {
        let mut newest: BTreeMap<&str, (u8, u16, u64)> = BTreeMap::new();
        let (mut replaced, mut deleted) = (Ids::new(), Ids::new());
        for (i, (key, payload)) in self.keys.iter().zip(&self.payloads).enumerate() {
            match payload {
                None => deleted.extend(newest.remove(key.as_str())),
                Some(_) => {
                    let id = (0, (i % 2) as u16, (i / 2) as u64);
                    replaced.extend(newest.insert(key, id));
                }
            }
        }
        (replaced, deleted)
    }

    /// The number of keys that have a sample at the end.
    fn left(&self) -> usize {
        let last: BTreeMap<_, _> = self.keys.iter().zip(&self.payloads).collect();
        last.values().filter(|payload| payload.is_some()).count()
    }

    /// The current samples after each `every`-th sample.
    fn newest(&self, every: usize) -> Vec<Ids> {
        let mut newest: BTreeMap<&str, (u8, u16, u64)> = BTreeMap::new();
        let (mut seen, mut sets) = (0, Vec::new());
        for (i, (key, payload)) in self.keys.iter().zip(&self.payloads).enumerate() {
            if payload.is_none() {
                newest.remove(key.as_str());
                continue;
            }
            newest.insert(key, (0, (i % 2) as u16, (i / 2) as u64));
            seen += 1;
            if seen % every == 0 {
                sets.push(newest.values().copied().collect());
            }
        }
        sets
    }
}

fn replaced_and_deleted_samples_are_not_trained_on() {
    let brokers = brokers();
    let stream = Stream::new(1000);
    let topic = stream.produce(brokers, "keyed");
    let pipeline = pipeline(&small_job(&format!(
        "name = \"keyed\"
        trigger.amount.every = 100
        selection.new_data.tail = \"all\"
        [source.kafka]
        brokers = \"{brokers}\"
        topics = [\"{topic}\"]
        until = \"end\"
        keyed = true"
    )));
    let mut first = None;
    for (workers, poll) in [(1, 1000), (1, 3), (2, 100), (3, 7)] {
        let (summary, folder) = run_to_end(&pipeline, workers, poll);
        assert_eq!((summary.samples, summary.dead_letters), (857, 0));
        let sets = training_sets(&folder.path().join("state"));
        assert_eq!(sets, stream.newest(100), "{workers} workers, polls of {poll}");
        let there: u64 = summary.classes[0].counts.values().sum();
        assert_eq!(there, stream.left() as u64);
        let decided = decided(&summary);
        assert_eq!(first.get_or_insert(decided.clone()), &decided, "{workers} workers");
    }
}

fn a_message_without_a_key_becomes_a_dead_letter() {
    let brokers = brokers();
    let topic = new_topic(brokers, "keyless", 1);
    let row: &[u8] = b"{\"a\":1,\"c\":0}";
    let messages = [
        (0, 1, Some("k"), Some(row)),
        (0, 2, None, Some(row)),
        (0, 3, None, None),
        (0, 4, Some("k"), None),
        (0, 5, Some("l"), Some(row)),
    ];
    produce_keyed(brokers, &topic, messages.into_iter());
    let text = format!(
        "name = \"keyless\"
        source.kafka = {{ brokers = \"{brokers}\", topics = [\"{topic}\"], until = \"end\", keyed = true }}
        codec.json = {{ features = [\"a\"], label = \"c\" }}
        trigger.amount.every = 2
        selection.new_data = {{}}
        model.mlp.hidden = [2]
        training = {{}}"
    );
    let ran = crate::program::run_program(&text);
    ran.assert_done();
    let dead_letters = ran.dead_letters();
    let rejected: Vec<_> = dead_letters
        .iter()
        .map(|dead_letter| (&dead_letter["offset"], &dead_letter["error"]))
        .collect();
    let no_key = &"no_key".into();
    assert_eq!(rejected, [(&1.into(), no_key), (&2.into(), no_key)]);
    assert_eq!(training_sets(&ran.folder.path().join("state")), [Ids::from([(0, 0, 4)])]);
}

/// A label: its time, the key of its sample, and the class.
type Label = (i64, &'static str, Option<&'static str>);

/// Late labels, a corrected one, a retracted one, and one without a sample.
pub(super) const LABELS: [Label; 8] = [
    (1_001, "k0", Some("yes")),
    (1_021, "k1", Some("no")),
    (1_041, "k2", Some("yes")),
    (1_045, "nobody", Some("yes")),
    (1_061, "k0", Some("no")),
    (1_071, "k3", Some("no")),
    (1_081, "k1", None),
    (1_200, "k9", Some("yes")),
];

/// Ten samples without labels, one every 10 ms, and their labels.
pub(super) fn labelled(brokers: &str, labels: &[Label]) -> (String, String) {
    let (topic, labels_topic) = (unique("samples"), unique("labels"));
    create(brokers, &topic, 2);
    create(brokers, &labels_topic, 1);
    let rows: Vec<_> = (0..10).map(|i| (format!("k{i}"), format!("{{\"a\":{i}}}"))).collect();
    let rows = rows.iter().enumerate().map(|(i, (key, row))| {
        ((i % 2) as i32, 1_000 + 10 * i as i64, Some(key.as_str()), Some(row.as_bytes()))
    });
    produce_keyed(brokers, &topic, rows);
    let row = |class: &str| format!("{{\"class\":\"{class}\"}}");
    let labels: Vec<_> =
        labels.iter().map(|(time, key, class)| (*time, *key, class.map(row))).collect();
    let labels = labels
        .iter()
        .map(|(time, key, row)| (0, *time, Some(*key), row.as_ref().map(|row| row.as_bytes())));
    produce_keyed(brokers, &labels_topic, labels);
    (topic, labels_topic)
}

pub(super) fn labels_pipeline(brokers: &str, topic: &str, labels: &str, wait: &str) -> String {
    format!(
        "name = \"labels\"
        codec.json = {{ features = [\"a\"] }}
        order.label_wait = \"{wait}\"
        trigger.time = {{ every = \"50ms\", start = 1000 }}
        selection.new_data.tail = \"all\"
        model.mlp = {{ hidden = [2] }}
        training = {{ epochs = 2, seed = 1 }}
        [source.kafka]
        brokers = \"{brokers}\"
        topics = [\"{topic}\"]
        until = \"end\"
        keyed = true
        [source.kafka.labels]
        topic = \"{labels}\"
        codec.json = {{ label = \"class\", labels = [\"no\", \"yes\"] }}"
    )
}

fn offsets(numbers: &[u64]) -> Ids {
    numbers.iter().map(|i| (0, (i % 2) as u16, i / 2)).collect()
}

fn late_and_corrected_labels_change_later_training_sets() {
    let brokers = brokers();
    let topics = labelled(brokers, &LABELS);
    // the newest labels before 1050, and before 1200: three periods pass with the label at 1200.
    let wanted = [vec![0, 1, 2], vec![0, 2, 3]];
    for wait in ["0s", "25ms", "1s"] {
        let text = labels_pipeline(brokers, &topics.0, &topics.1, wait);
        let mut first = None;
        for (workers, poll) in [(1, 1000), (2, 3), (3, 1)] {
            let (summary, folder) = run_to_end(&pipeline(&text), workers, poll);
            let state = folder.path().join("state");
            let sets = training_sets(&state);
            assert_eq!(sets[..2], wanted.clone().map(|numbers| offsets(&numbers)), "{wait}");
            // one label has no sample.
            let dead_letters = std::fs::read_to_string(state.join("dead-letters.jsonl")).unwrap();
            let dead_letter: serde_json::Value = serde_json::from_str(dead_letters.trim()).unwrap();
            assert_eq!(
                (&dead_letter["offset"], &dead_letter["error"]),
                (&3.into(), &"no_sample".into())
            );
            assert_eq!((summary.samples, summary.dead_letters), (10, 1));
            // at the end, two are labelled `no`, two `yes`, and six are not labelled.
            let [classes] = &summary.classes[..] else { panic!("{:?}", summary.classes) };
            assert_eq!((&classes.counts, classes.unlabelled), (&[(0, 2), (1, 2)].into(), 6));
            let decided = decided(&summary);
            assert_eq!(first.get_or_insert(decided.clone()), &decided, "{wait}, {workers} workers");
        }
    }
    // without the correction the second training differs, and the first does not.
    let uncorrected: Vec<_> = LABELS.into_iter().filter(|(time, ..)| *time != 1_061).collect();
    let others = labelled(brokers, &uncorrected);
    let [with, without] = [&topics, &others].map(|topics| {
        let text = labels_pipeline(brokers, &topics.0, &topics.1, "0s");
        run_to_end(&pipeline(&text), 1, 1000).0.own.versions
    });
    assert_eq!(with[0].sha256, without[0].sha256);
    assert_eq!(with[1].ids_digest, without[1].ids_digest);
    assert_ne!(with[1].sha256, without[1].sha256);
}

fn invalid_keyed_pipelines_are_rejected() {
    let text = std::fs::read_to_string("pipelines/late-labels.toml").unwrap();
    let codec = "codec.json = { label = \"paid\", labels = [\"no\", \"yes\"] }";
    for (from, to, place, problem) in [
        ("keyed = true", "", "`source.kafka.labels`", "set `keyed = true`"),
        ("label_wait", "out_of_orderness", "`order.out_of_orderness`", "wanted \"0s\""),
        ("topic = \"payments\"", "topic = \"loans\"", "`source.kafka.topics`", "named twice"),
        (codec, "codec.json = {}", "`source.kafka.labels.codec`", "name the column of the label"),
        (codec, "codec.image = { shape = [1, 2, 2] }", "`source.kafka.labels.codec`", "`json` or"),
        ("features = [\"amount\", \"years\"]", "", "`codec.json.features`", "at least one column"),
    ] {
        let wrong = text.replace(from, to);
        let error = driftmill::config::load("p.toml", &wrong, &[]).unwrap_err().to_string();
        assert!(error.contains(place) && error.contains(problem), "{error}");
    }
    let lonely = text.replace("[source.kafka.labels]\ntopic = \"payments\"\n", "");
    let lonely = lonely.replace(codec, "");
    let error = driftmill::config::load("p.toml", &lonely, &[]).unwrap_err().to_string();
    assert!(error.contains("`order.label_wait`"), "{error}");
}
