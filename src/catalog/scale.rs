//! A test that the work of a restart does not grow with the run.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

use driftmill_operators::flow::{SelectionCheckpoint, TriggerCheckpoint};
use driftmill_operators::{Id, Position, Snapshot};
use roaring::RoaringTreemap;
use rusqlite::trace::{TraceEvent, TraceEventCodes};
use rusqlite::{StatementStatus, named_params};

use super::checkpoints::STATE_VERSION;
use super::expired::bitmap;
use super::table::{
    DECISIONS, EXPIRED_VERSIONS, OUTBOX, OUTCOMES, SELECTION_CHECKPOINTS, TRAINED_SAMPLES,
};
use super::{Catalog, CatalogError, PolicyEntry, RunRecord};
use crate::source::Partition;

/// Number of recorded decisions. Decision n led to version n + 1, except the last one, which is open.
const NUMBER: u64 = 100_000;

/// The most steps of SQLite's virtual machine in one statement. A scan of the decisions takes more.
const STEPS: i32 = 5_000;

/// Tables with a row for each decision. `:ids` is an empty training set.
const FILL: [&str; 4] = [
    "INSERT INTO decisions SELECT '', n, n, n, 'after', 0, 'amount', '1 sample', NULL, NULL, 0, 0,
        '{}', 0.0, 0, :ids, '', 0.0, 0, NULL, 1, 0 FROM numbers",
    "INSERT INTO outcomes SELECT '', n, n + 1, 'digest', 'description', NULL, 0.0, NULL, 0
        FROM numbers WHERE n < :last",
    "INSERT INTO outbox SELECT 'directory', n + 1, n, 0 FROM numbers WHERE n < :last - 3",
    "INSERT INTO expired_versions SELECT '', n + 1, 0 FROM numbers WHERE n < :last - 10",
];

thread_local! {
    static TAKEN: RefCell<BTreeMap<String, i32>> = const { RefCell::new(BTreeMap::new()) };
}

fn note(event: TraceEvent<'_>) {
    if let TraceEvent::Profile(statement, _) = event {
        let steps = statement.get_status(StatementStatus::VmStep);
        TAKEN.with_borrow_mut(|taken| taken.insert(statement.sql().into_owned(), steps));
    }
}

fn position(number: u64) -> Position {
    Position::new(number as i64, Id(number))
}

/// A catalog with these decisions, whose selection was saved three decisions before the last one.
fn filled(path: &std::path::Path) -> Catalog {
    let run = RunRecord {
        id: "a".to_owned(),
        pipeline: "{}".to_owned(),
        current: "{}".to_owned(),
        adopted: None,
        complete: false,
        arithmetic: None,
    };
    let mut catalog = Catalog::create(path, &run, &[] as &[Partition]).unwrap();
    let (ids, last) = (bitmap(&RoaringTreemap::new()), NUMBER as i64 - 1);
    catalog
        .commit("filling", |transaction| {
            for fill in FILL {
                let numbers = "WITH RECURSIVE numbers(n) AS (
                    SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < :last) ";
                let (insert, rest) = fill.split_once(" SELECT").unwrap();
                let fill = format!("{insert} {numbers} SELECT{rest}");
                let mut statement = transaction.prepare(&fill)?;
                if let Some(number) = statement.parameter_index(":ids")? {
                    statement.raw_bind_parameter(number, &ids)?;
                }
                let number = statement.parameter_index(":last")?.unwrap();
                statement.raw_bind_parameter(number, last)?;
                statement.raw_execute()?;
            }
            for table in [&DECISIONS, &OUTCOMES, &OUTBOX, &EXPIRED_VERSIONS, &TRAINED_SAMPLES] {
                transaction.execute(&table.seal("true"), [])?;
            }
            let saved = NUMBER - 4;
            let state =
                SelectionCheckpoint { trigger: saved, at: position(saved), state: Vec::new() };
            let row = named_params! {
                ":branch": "",
                ":stream": 0,
                ":trigger": saved as i64,
                ":state": state.save(),
                ":state_version": STATE_VERSION,
            };
            transaction.execute(&SELECTION_CHECKPOINTS.insert("INSERT"), row).map(drop)
        })
        .unwrap();
    let checkpoint = TriggerCheckpoint {
        at: position(NUMBER),
        decisions_before: 0,
        next_trigger: NUMBER,
        version: Some(NUMBER - 1),
        open: None,
        policy: Vec::new(),
    };
    let entry = PolicyEntry { checkpoint: Some(&checkpoint), ..PolicyEntry::of("") };
    catalog.record_progress(&[], &[entry]).unwrap();
    catalog
}

/// What a restart, publication and retention read.
fn read(catalog: &Catalog) -> Result<(), CatalogError> {
    let record = catalog.branch("")?;
    assert_eq!(record.decisions.len(), 2);
    assert_eq!(record.selection_checkpoints.decisions.len(), 4);
    assert_eq!(catalog.chosen("", &record)?.len(), 4);
    let outbox = catalog.outbox("directory")?;
    let newest = NUMBER - 4;
    assert_eq!((outbox.newest, outbox.bookmark), (Some(newest), Some((newest - 1).to_string())));
    let missing: Vec<u64> = catalog.unpublished("directory")?.into_keys().collect();
    assert_eq!(missing, [newest + 1, newest + 2, newest + 3]);
    assert!(catalog.digest("", NUMBER / 2)?.is_some());
    assert!(catalog.digest("", NUMBER)?.is_none());
    let mut there = 0;
    catalog.version_places("", 2, |place| {
        let expired = catalog.is_expired("", place.version)?;
        there += u64::from(!expired);
        Ok(if expired { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    assert_eq!(there, 8);
    assert!(catalog.in_training()?.is_empty());
    assert_eq!(catalog.decisions("", Some(5))?.len(), 5);
    assert_eq!(catalog.versions("", Some(5))?.len(), 5);
    assert_eq!(catalog.last_version("")?, Some(NUMBER - 1));
    assert!(catalog.training_set_of_version("", NUMBER / 2)?.is_some());
    catalog.observers()?;
    Ok(())
}

#[test]
fn a_restart_does_not_read_all_decisions() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = filled(&folder.path().join("catalog.sqlite"));
    catalog.database.trace_v2(TraceEventCodes::SQLITE_TRACE_PROFILE, Some(note));
    read(&catalog).unwrap();
    let all = "SELECT sum(samples) FROM decisions";
    catalog.database.query_row(all, [], |_| Ok(())).unwrap();
    catalog.database.trace_v2(TraceEventCodes::empty(), None);
    let mut taken = TAKEN.take();
    assert!(taken.remove(all).unwrap() > STEPS, "steps are not counted");
    assert!(taken.len() > 15, "{}", taken.len());
    taken.retain(|_, steps| *steps > STEPS);
    assert!(taken.is_empty(), "{taken:#?}");
}
