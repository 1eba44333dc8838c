//! Law 3: an id yields its own sample's features, always.
use driftmill::store::{Log, LogBatch, RowKind, StoreError, verify};
use driftmill_datasets::{Schema, ValueType, Values};
use driftmill_operators::Id;
use proptest::prelude::*;

const WIDTH: usize = 3;

fn schema(value: ValueType) -> Schema {
    Schema { value, shape: vec![WIDTH] }
}

/// Features that no other id has.
fn floats(id: Id) -> [f32; WIDTH] {
    [f32::from(id.topic()), f32::from(id.partition()), id.offset() as f32]
}

fn bytes(id: Id) -> [u8; WIDTH] {
    [id.topic(), id.partition() as u8, id.offset() as u8]
}

fn batch(ids: &[Id], value: ValueType) -> LogBatch {
    let rows = ids.len();
    LogBatch {
        ids: ids.iter().map(|id| id.0).collect(),
        position_times: vec![0; rows],
        times: vec![0; rows],
        kinds: vec![RowKind::Put as u8; rows],
        keys: vec![0; rows],
        labels: ids.iter().map(|id| (id.offset() % 2 == 0).then_some(1)).collect(),
        values: match value {
            ValueType::F32 => Values::F32(ids.iter().flat_map(|id| floats(*id)).collect()),
            ValueType::U8 => Values::U8(ids.iter().flat_map(|id| bytes(*id)).collect()),
        },
    }
}

/// Appends of (worker, partition, gaps before each offset).
fn appends() -> impl Strategy<Value = Vec<(usize, u16, Vec<u64>)>> {
    let gaps = prop::collection::vec(prop_oneof![9 => Just(0u64), 1 => 1u64..50], 1..40);
    prop::collection::vec((0usize..3, 0u16..4, gaps), 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_id_yields_its_own_features(
        appends in appends(),
        order in any::<u64>(),
        floats_or_bytes in any::<bool>(),
    ) {
        let value = if floats_or_bytes { ValueType::F32 } else { ValueType::U8 };
        let folder = tempfile::tempdir().unwrap();
        let log = Log::create(folder.path(), schema(value)).unwrap();
        let mut writers: Vec<_> = (0..3).map(|worker| log.writer(worker)).collect();
        let mut next = [0u64; 4];
        let mut all = Vec::new();
        for (worker, partition, gaps) in appends {
            // each partition has one writer.
            let worker = (worker + usize::from(partition)) % 3;
            let mut ids = Vec::new();
            for gap in gaps {
                next[usize::from(partition)] += gap + 1;
                ids.push(Id::new(1, partition, next[usize::from(partition)]));
            }
            writers[worker].append(batch(&ids, value)).unwrap();
            all.extend(ids);
        }
        let known = all.clone();
        all.extend_from_within(..all.len() / 2);
        all.sort_by_key(|id| id.0.wrapping_mul(order | 1));
        let mut values = Values::new(value);
        log.gather(&all, &mut values).unwrap();
        let expected = match value {
            ValueType::F32 => Values::F32(all.iter().flat_map(|id| floats(*id)).collect()),
            ValueType::U8 => Values::U8(all.iter().flat_map(|id| bytes(*id)).collect()),
        };
        prop_assert_eq!(values, expected);
        // what was never appended is missing, also inside gaps.
        for offset in 0..next[0] + 2 {
            let id = Id::new(1, 0, offset);
            let found = log.gather(&[id], &mut Values::new(value));
            match found {
                Ok(()) => prop_assert!(known.contains(&id)),
                Err(StoreError::Missing(missing)) => {
                    prop_assert!(missing == id && !known.contains(&id));
                }
                Err(other) => prop_assert!(false, "{other}"),
            }
        }
    }
}

#[test]
fn a_sealed_segment_is_an_arrow_stream() {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::create(folder.path(), schema(ValueType::F32)).unwrap();
    let mut writer = log.writer(0);
    for start in [0, 10, 20] {
        let ids: Vec<Id> = (start..start + 10).map(|offset| Id::new(0, 0, offset)).collect();
        writer.append(batch(&ids, ValueType::F32)).unwrap();
    }
    writer.seal().unwrap();
    let file = std::fs::File::open(folder.path().join("000-000000.arrows")).unwrap();
    let batches: Vec<_> = arrow::ipc::reader::StreamReader::try_new(file, None)
        .unwrap()
        .map(|batch| batch.unwrap())
        .collect();
    let rows: usize = batches.iter().map(arrow::array::RecordBatch::num_rows).sum();
    assert_eq!((batches.len(), rows), (3, 30));
    let names: Vec<_> =
        batches[0].schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names, ["id", "position_time", "time", "kind", "key", "label", "features"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// One changed bit, or a tail that is gone, in any file of the log.
    #[test]
    fn damage_is_found_wherever_it_is(
        index in any::<bool>(),
        at in any::<prop::sample::Index>(),
        bit in 0u8..8,
        cut in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::create(folder.path(), schema(ValueType::U8)).unwrap();
        let mut writer = log.writer(0);
        for start in [0u64, 7, 20] {
            let ids: Vec<Id> = (start..start + 7).map(|offset| Id::new(0, 2, offset)).collect();
            writer.append(batch(&ids, ValueType::U8)).unwrap();
        }
        drop((writer, log));
        let whole = verify(folder.path()).unwrap();
        prop_assert_eq!((whole.segments, whole.rows, whole.damages.len()), (1, 21, 0));
        let name = if index { "000-000000.index" } else { "000-000000.arrows" };
        let path = folder.path().join(name);
        let mut bytes = std::fs::read(&path).unwrap();
        // the mark of the stream's end, behind the batches, is in no index.
        let indexed = if index { bytes.len() } else { whole.bytes as usize };
        let at = at.index(indexed);
        match cut {
            // an index that ends after a batch is that of a log that ends there.
            true if index && at.is_multiple_of(40) => return Ok(()),
            true => bytes.truncate(at),
            false => bytes[at] ^= 1 << bit,
        }
        std::fs::write(&path, bytes).unwrap();
        match verify(folder.path()) {
            Ok(health) => {
                prop_assert_eq!(health.damages.len(), 1);
                prop_assert!(health.rows < 21 || (index && cut), "{:?}", health.damages);
                prop_assert!(health.ids.iter().all(|id| whole.ids.contains(id)));
            }
            // an empty file cannot be mapped.
            Err(error) => prop_assert!(cut && at == 0, "{error}"),
        }
    }
}
