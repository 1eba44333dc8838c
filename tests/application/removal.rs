//! A log from which segments are removed and samples erased, compared with a plain map.

use std::collections::BTreeMap;

use driftmill::store::{
    Log, LogBatch, LogWriter, Replay, Rolling, RowKind, SegmentLength, Size, StoreError, verify,
};
use driftmill_datasets::{Schema, ValueType, Values};
use driftmill_operators::Id;
use proptest::prelude::*;
use proptest::sample::Index;

crate::suite::tests! {
    a_log_without_expired_segments_equals_a_map,
    a_segment_is_full_at_its_size_or_age,
}

const WIDTH: usize = 3;

fn schema() -> Schema {
    Schema { value: ValueType::F32, shape: vec![WIDTH] }
}

/// Features that no other id has, and that are not zeros.
fn features(id: Id) -> [f32; WIDTH] {
    [f32::from(id.partition()) + 1.0, id.offset() as f32 + 1.0, 0.5]
}

fn batch(ids: &[Id]) -> LogBatch {
    let rows = ids.len();
    LogBatch {
        ids: ids.iter().map(|id| id.0).collect(),
        position_times: vec![0; rows],
        times: ids.iter().map(|id| id.offset() as i64).collect(),
        kinds: vec![RowKind::Put as u8; rows],
        keys: ids.iter().map(|id| u128::from(id.0) + 1).collect(),
        labels: vec![None; rows],
        values: Values::F32(ids.iter().flat_map(|id| features(*id)).collect()),
        highest: ids.last().map_or(i64::MIN, |id| id.offset() as i64),
        late: 0,
    }
}

/// One life of a log: lengths of batches by worker, the number of removed segments, and the erased samples.
type Life = (Vec<(usize, u64)>, Index, Vec<Index>);

fn life() -> impl Strategy<Value = Life> {
    let batches = prop::collection::vec((0usize..3, 1u64..400), 1..25);
    (batches, any::<Index>(), prop::collection::vec(any::<Index>(), 0..6))
}

/// The expected content of the log: features by id; none for removed samples.
type Model = BTreeMap<Id, Option<[f32; WIDTH]>>;

fn assert_same(log: &Log, model: &Model) -> Result<(), TestCaseError> {
    for (id, wanted) in model {
        let mut values = Values::new(ValueType::F32);
        match (log.gather(&[*id], &mut values), wanted) {
            (Ok(()), Some(wanted)) => prop_assert_eq!(values, Values::F32(wanted.to_vec())),
            (Err(StoreError::Missing(missing)), None) => prop_assert_eq!(missing, *id),
            (other, wanted) => prop_assert!(false, "{:?}: {:?} {:?}", id, other, wanted),
        }
    }
    let mut replayed = Vec::new();
    for stream in log.streams() {
        for rows in Replay::of(log, stream, i64::MIN) {
            replayed.extend(rows.unwrap().ids.into_iter().map(Id));
        }
    }
    let there = model.iter().filter(|(_, features)| features.is_some()).map(|(id, _)| *id);
    prop_assert_eq!(replayed, there.collect::<Vec<_>>());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    fn a_log_without_expired_segments_equals_a_map(lives in prop::collection::vec(life(), 1..4)) {
        let folder = tempfile::tempdir().unwrap();
        let mut durable: BTreeMap<String, SegmentLength> = BTreeMap::new();
        let mut model = Model::new();
        let mut next = [0u64; 3];
        for (batches, removed, erased) in lives {
            let known: Vec<SegmentLength> = durable.values().cloned().collect();
            let log = Log::open(folder.path(), schema(), &known).unwrap();
            let log = log.rolling(Rolling { size: Size(64 << 10), age: None });
            assert_same(&log, &model)?;
            let mut writers: Vec<_> = (0..3).map(|worker| LogWriter::open(&log, worker).unwrap()).collect();
            for (worker, count) in batches {
                let ids = (next[worker]..next[worker] + count).map(|at| Id::new(0, worker as u16, at));
                let ids: Vec<Id> = ids.collect();
                next[worker] += count;
                writers[worker].append(batch(&ids)).unwrap();
                model.extend(ids.iter().map(|id| (*id, Some(features(*id)))));
            }
            let lengths = log.sync().unwrap();
            durable.extend(lengths.iter().map(|length| (length.name.clone(), length.clone())));
            log.recorded(&lengths);

            // all segments that are no longer written may be removed; a reader continues after them.
            let first = log.streams()[0];
            let mut reader = Replay::of(&log, first, i64::MIN);
            prop_assert!(reader.next().unwrap().is_ok());
            let sealed = log.segments().into_iter().filter(|segment| !segment.growing);
            let sealed: Vec<String> = sealed.map(|segment| segment.name).collect();
            let names = &sealed[..removed.index(sealed.len() + 1)];
            for name in names {
                let contents = log.contents(name).unwrap();
                prop_assert_eq!(contents.samples.len() as usize, contents.keys.len());
                for (id, key) in contents.samples.iter().zip(&contents.keys) {
                    prop_assert_eq!(u128::from(id) + 1, *key);
                    prop_assert!(model.insert(Id(id), None).flatten().is_some());
                }
                durable.remove(name);
            }
            log.remove(names).unwrap();
            for rows in reader {
                prop_assert!(rows.unwrap().ids.iter().all(|id| model[&Id(*id)].is_some()));
            }
            assert_same(&log, &model)?;
            drop(writers);

            // samples are erased in the remaining segments, while the log has no other user.
            let known: Vec<SegmentLength> = durable.values().cloned().collect();
            let log = Log::open(folder.path(), schema(), &known).unwrap();
            for name in log.segments().into_iter().map(|segment| segment.name) {
                let all = log.contents(&name).unwrap().samples;
                let chosen = erased.iter().filter_map(|at| all.select(at.index(all.len() as usize) as u64));
                let chosen: roaring::RoaringTreemap = chosen.collect();
                let copy = log.erase(&name, &chosen).unwrap();
                log.remove(std::slice::from_ref(&name)).unwrap();
                durable.remove(&name);
                durable.insert(copy.name.clone(), copy);
                model.extend(chosen.iter().map(|id| (Id(id), Some([0.0; WIDTH]))));
            }
        }
        let known: Vec<SegmentLength> = durable.values().cloned().collect();
        let health = verify(folder.path(), &known).unwrap();
        prop_assert!(health.damages.is_empty(), "{:?}", health.damages);
        assert_same(&Log::open(folder.path(), schema(), &known).unwrap(), &model)?;
    }
}

fn a_segment_is_full_at_its_size_or_age() {
    for (age, wanted) in [(None, 1), (Some(100), 5)] {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::create(folder.path(), schema()).unwrap();
        let age = age.map(driftmill_operators::Span::from_millis);
        let log = log.rolling(Rolling { age, ..Rolling::default() });
        let mut writer = LogWriter::open(&log, 0).unwrap();
        // event times are offsets: fifty in each batch.
        for start in (0..500).step_by(50) {
            let ids: Vec<Id> = (start..start + 50).map(|offset| Id::new(0, 0, offset)).collect();
            writer.append(batch(&ids)).unwrap();
        }
        let segments = log.segments();
        let names: Vec<&str> = segments.iter().map(|segment| &*segment.name).collect();
        assert_eq!(names.len(), wanted, "{names:?}");
        assert!(names.is_sorted() && segments.iter().all(|segment| segment.growing));
        assert_eq!(segments.iter().map(|segment| segment.counts.rows).sum::<u64>(), 500);
    }
}
