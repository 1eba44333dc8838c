//! Law 3: an id always yields the features of its own sample.
use std::{collections::BTreeSet, path::Path};

use driftmill::store::{
    Log, LogBatch, LogWriter, Replay, RowKind, SegmentLength, StoreError, verify,
};
use driftmill_datasets::{Schema, ValueType, Values};
use driftmill_operators::Id;
use proptest::prelude::*;

crate::suite::tests! {
    an_id_yields_its_own_features,
    durable_samples_survive_a_crash,
    damage_is_found_at_every_place,
    a_sealed_segment_is_an_arrow_stream,
    rows_of_another_process_are_visible_once_they_are_durable,
}

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
        highest: ids.last().map_or(i64::MIN, |id| id.offset() as i64),
        late: 0,
    }
}

/// Drops a writer without finishing its files, as when the process is killed.
fn killed(writer: LogWriter) {
    std::mem::forget(writer);
}

/// Appends of (worker, partition, gaps before each offset).
fn appends() -> impl Strategy<Value = Vec<(usize, u16, Vec<u64>)>> {
    let gaps = prop::collection::vec(prop_oneof![9 => Just(0u64), 1 => 1u64..50], 1..40);
    prop::collection::vec((0usize..3, 0u16..4, gaps), 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    fn an_id_yields_its_own_features(
        appends in appends(),
        order in any::<u64>(),
        floats_or_bytes in any::<bool>(),
    ) {
        let value = if floats_or_bytes { ValueType::F32 } else { ValueType::U8 };
        let folder = tempfile::tempdir().unwrap();
        let log = Log::create(folder.path(), schema(value)).unwrap();
        let mut writers = [0, 1, 2].map(|worker| LogWriter::open(&log, worker).unwrap());
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
        // samples that were never appended are missing, also inside gaps.
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

fn a_sealed_segment_is_an_arrow_stream() {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::create(folder.path(), schema(ValueType::F32)).unwrap();
    let mut writer = LogWriter::open(&log, 0).unwrap();
    for start in [0, 10, 20] {
        let ids: Vec<Id> = (start..start + 10).map(|offset| Id::new(0, 0, offset)).collect();
        writer.append(batch(&ids, ValueType::F32)).unwrap();
    }
    writer.seal().unwrap();
    let path = folder.path().join("000-000000.arrows");
    // an encoder that writes different bytes could restore nothing from an object store and repair nothing.
    assert_eq!(crc32fast::hash(&std::fs::read(&path).unwrap()), 0x15aa_e1e5);
    let file = std::fs::File::open(path).unwrap();
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

/// Simulates a crash: of the data that was not durable, nothing, a part, or other bytes remain.
fn tear(folder: &Path, durable: &[SegmentLength], chance: u64) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let length = durable.iter().find(|length| length.name == name);
        let kept = match (length, path.extension().unwrap() == "index") {
            (None, _) => 0,
            (Some(length), true) => length.batches as usize * 64,
            (Some(length), false) => length.bytes as usize,
        };
        // most of a growing segment is space that was never written.
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        let written = file.metadata().unwrap().len();
        file.set_len(written.min(kept as u64 + 4096)).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        match chance % 4 {
            0 => bytes.truncate(kept + chance as usize % (bytes.len() - kept + 1)),
            1 => bytes[kept..].fill(0),
            2 => bytes[kept..].iter_mut().skip(3).for_each(|byte| *byte ^= chance as u8),
            _ => {}
        }
        std::fs::write(&path, bytes).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Lives of a log that end with a crash. Durable samples are still there, in order. All others are lost
    /// and can be appended again.
    fn durable_samples_survive_a_crash(
        lives in prop::collection::vec((appends(), any::<prop::sample::Index>(), any::<u64>()), 1..5),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut durable: Vec<SegmentLength> = Vec::new();
        let mut known: BTreeSet<Id> = BTreeSet::new();
        for (appends, synced, chance) in lives {
            let log = Log::open(folder.path(), schema(ValueType::F32), &durable).unwrap();
            prop_assert_eq!(log.counts().rows, known.len() as u64);
            let mut writers = [0, 1, 2].map(|worker| LogWriter::open(&log, worker).unwrap());
            let mut all = known.clone();
            let mut next: Vec<u64> = (0..4)
                .map(|partition| log.next_offset(Id::new(1, partition, 0).stream()).unwrap_or(0))
                .collect();
            let synced = synced.index(appends.len());
            for (number, (worker, partition, gaps)) in appends.into_iter().enumerate() {
                let worker = (worker + usize::from(partition)) % 3;
                let at = &mut next[usize::from(partition)];
                let ids: Vec<Id> = gaps.into_iter().map(|gap| {
                    *at += gap + 1;
                    Id::new(1, partition, *at - 1)
                }).collect();
                writers[worker].append(batch(&ids, ValueType::F32)).unwrap();
                all.extend(ids);
                if number == synced {
                    for length in log.sync().unwrap() {
                        durable.retain(|known| known.name != length.name);
                        durable.push(length);
                    }
                    known = all.clone();
                }
            }
            writers.into_iter().for_each(killed);
            drop(log);
            tear(folder.path(), &durable, chance);
        }
        let log = Log::open(folder.path(), schema(ValueType::F32), &durable).unwrap();
        let ids: Vec<Id> = known.iter().rev().copied().collect();
        let mut values = Values::new(ValueType::F32);
        log.gather(&ids, &mut values).unwrap();
        let expected = ids.iter().flat_map(|id| floats(*id)).collect();
        prop_assert_eq!(values, Values::F32(expected));
        let mut replayed = Vec::new();
        for partition in 0..4 {
            let stream = Id::new(1, partition, 0).stream();
            for rows in Replay::of(&log, stream, i64::MIN) {
                let rows = rows.unwrap();
                let labels = rows.ids.iter().map(|id| Id(*id).offset().is_multiple_of(2).then_some(1));
                prop_assert!(labels.eq(rows.labels.iter().copied()));
                replayed.extend(rows.ids.into_iter().map(Id));
            }
        }
        prop_assert_eq!(replayed, known.into_iter().collect::<Vec<_>>());
        prop_assert!(verify(folder.path(), &durable).unwrap().damages.is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// One changed bit or a missing tail, in any file of the log.
    fn damage_is_found_at_every_place(
        index in any::<bool>(),
        at in any::<prop::sample::Index>(),
        bit in 0u8..8,
        cut in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::create(folder.path(), schema(ValueType::U8)).unwrap();
        let mut writer = LogWriter::open(&log, 0).unwrap();
        for start in [0u64, 7, 20] {
            let ids: Vec<Id> = (start..start + 7).map(|offset| Id::new(0, 2, offset)).collect();
            writer.append(batch(&ids, ValueType::U8)).unwrap();
        }
        let durable = log.sync().unwrap();
        drop((writer, log));
        let whole = verify(folder.path(), &durable).unwrap();
        prop_assert_eq!((whole.segments, whole.rows, whole.damages.len()), (1, 21, 0));
        let name = if index { "000-000000.index" } else { "000-000000.arrows" };
        let path = folder.path().join(name);
        let mut file = std::fs::read(&path).unwrap();
        // the mark at the end of the stream, after the batches, is in no index.
        let indexed = if index { file.len() } else { whole.bytes as usize };
        let at = at.index(indexed);
        match cut {
            true => file.truncate(at),
            false => file[at] ^= 1 << bit,
        }
        std::fs::write(&path, file).unwrap();
        match verify(folder.path(), &durable) {
            Ok(health) => {
                prop_assert_eq!(health.damages.len(), 1);
                prop_assert!(health.rows < 21, "{:?}", health.damages);
                prop_assert!(health.ids.iter().all(|id| whole.ids.contains(id)));
            }
            // an empty file cannot be mapped.
            Err(error) => prop_assert!(cut && at == 0, "{error}"),
        }
        // an open log returns an error or the written values.
        let ids: Vec<Id> = whole.ids.iter().map(Id).collect();
        let mut values = Values::new(ValueType::U8);
        let gathered = Log::open(folder.path(), schema(ValueType::U8), &durable)
            .and_then(|log| log.gather(&ids, &mut values));
        if gathered.is_ok() {
            let expected = ids.iter().flat_map(|id| bytes(*id)).collect();
            prop_assert_eq!(values, Values::U8(expected));
        }
    }
}

fn rows_of_another_process_are_visible_once_they_are_durable() {
    let folder = tempfile::tempdir().unwrap();
    let open = Log::create(folder.path(), schema(ValueType::F32)).unwrap();
    let other = Log::join(folder.path(), schema(ValueType::F32), &[]).unwrap();
    let mut writer = LogWriter::open(&other, 1).unwrap();
    let id = |offset| Id::new(0, 1, offset);
    for offset in 0..3 {
        writer.append(batch(&[id(offset * 2), id(offset * 2 + 1)], ValueType::F32)).unwrap();
        assert!(!open.has(&[id(offset * 2)]).unwrap());
        let durable = other.sync().unwrap();
        other.recorded(&durable);
        open.attach(&durable).and_then(|()| open.attach(&durable)).unwrap();
        let mut values = Values::new(ValueType::F32);
        open.gather(&[id(offset * 2 + 1), id(0)], &mut values).unwrap();
        let expected = [floats(id(offset * 2 + 1)), floats(id(0))].concat();
        assert_eq!(values, Values::F32(expected));
        // it is returned again until it is recorded.
        assert_eq!([open.sync().unwrap(), open.sync().unwrap()], [&durable[..]; 2]);
        open.recorded(&durable);
        assert_eq!(open.sync().unwrap(), []);
    }
    assert_eq!(open.counts().rows, 6);
}
