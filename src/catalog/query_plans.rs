//! Tests of query plans. No statement scans a table that grows with the run, unless it reports or verifies
//! the whole table.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use driftmill_operators::flow::{
    Decision, SelectionCheckpoint, ShadowDecision, TriggerCheckpoint, TriggerEvaluation,
};
use driftmill_operators::selection::{Candidate, TrainingSet};
use driftmill_operators::trigger::{Cut, Measurement, Reason};
use driftmill_operators::{Id, Position, Snapshot};
use roaring::RoaringTreemap;
use rusqlite::trace::{TraceEvent, TraceEventCodes};

use super::{
    Catalog, CatalogError, DecisionEntry, ExpiredSegment, NewDecision, NewVersion, OutcomeEntry,
    PolicyEntry, RunRecord,
};
use crate::evaluate::Prequential;
use crate::source::Partition;
use crate::store::{Contents, Counts, RowRange, SegmentLength};

/// Allowed scans of growing tables: the beginning of each statement, and the reason.
const SCANS: [(&str, &str); 8] = [
    ("SELECT segments", "all segments of the log are opened"),
    ("SELECT remote_segments", "all segments of the log are opened"),
    ("SELECT expired_segments", "the whole history of keys or the whole log is asked for"),
    ("SELECT expired_ranges", "the whole history of keys or the whole log is asked for"),
    ("SELECT ifnull(sum(rows)", "a summary adds up the expired segments, once"),
    ("SELECT erased_samples", "all erased samples are asked for"),
    ("SELECT decisions", "`--tainted` and `verify` report every version"),
    ("SELECT EXISTS", "it ends at the first row"),
];

thread_local! {
    static STATEMENTS: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
}

fn note(event: TraceEvent<'_>) {
    if let TraceEvent::Stmt(statement, _) = event {
        let statement = statement.sql().into_owned();
        STATEMENTS.with_borrow_mut(|statements| statements.insert(statement));
    }
}

/// The name of a table whose rows are read whole, or the beginning of another statement.
fn kind(statement: &str) -> String {
    let words: Vec<&str> = statement.split_whitespace().collect();
    let whole = statement.contains("AS intact");
    let table = words.iter().position(|word| *word == "FROM").map(|from| words[from + 1]);
    match table.filter(|_| whole) {
        Some("decisions") if statement.contains("WHERE") => "SELECT some decisions".to_owned(),
        Some("decisions") => "SELECT decisions".to_owned(),
        Some(table) => format!("SELECT {table}"),
        None => words.join(" "),
    }
}

fn position(offset: u64) -> Position {
    Position::new(offset as i64, Id::new(0, 0, offset))
}

fn reason() -> Reason {
    Reason {
        policy: "amount".to_owned(),
        text: "1 sample".to_owned(),
        score: None,
        threshold: None,
    }
}

fn checkpoint(at: Position) -> TriggerCheckpoint {
    TriggerCheckpoint {
        at,
        decisions_before: 0,
        next_trigger: 1,
        version: None,
        open: None,
        policy: Vec::new(),
    }
}

fn evaluation() -> TriggerEvaluation {
    TriggerEvaluation {
        position: position(1),
        trigger: 0,
        number: 0,
        decides: true,
        version: None,
        measurement: Measurement {
            policy: "amount".to_owned(),
            member: None,
            scores: Vec::new(),
            windows: Vec::new(),
            members: Vec::new(),
        },
        seconds: 0.0,
    }
}

fn set() -> TrainingSet {
    let at = position(1);
    TrainingSet {
        decision: Decision {
            trigger: 0,
            position: at,
            cut: Cut::After,
            decisions_before: 0,
            reason: reason(),
        },
        candidates: 1,
        rows: vec![Candidate { position: at, label: 0, weight: 1.0, rank: 0 }],
        round: 0,
        memory: None,
        checkpoints: vec![(0, SelectionCheckpoint { at, trigger: 0, state: Vec::new() })],
        seconds: 0.0,
    }
}

fn expired() -> ExpiredSegment {
    let id = Id::new(0, 0, 0);
    let range = RowRange { first: id, last: id, rows: 1, from_time: 0, to_time: 0 };
    ExpiredSegment {
        name: "0".to_owned(),
        bytes: 1,
        counts: Counts::default(),
        contents: Contents {
            ranges: vec![range],
            samples: RoaringTreemap::from_iter([id.0]),
            keys: Vec::new(),
        },
        replaced: RoaringTreemap::new(),
        deleted: RoaringTreemap::new(),
    }
}

/// Calls all functions that write.
fn write(catalog: &mut Catalog) -> Result<(), CatalogError> {
    let length = SegmentLength { name: "1".to_owned(), bytes: 1, batches: 1, remote: None };
    let (set, at) = (set(), position(1));
    let shadow = ShadowDecision {
        number: 0,
        position: at,
        cut: Cut::After,
        version: None,
        reason: reason(),
        measurement: None,
    };
    catalog.record_progress(
        std::slice::from_ref(&length),
        &[PolicyEntry {
            checkpoint: Some(&checkpoint(at)),
            shadow_decisions: &[shadow],
            ..PolicyEntry::of("shadow/a")
        }],
    )?;
    catalog.record_decision(&DecisionEntry {
        decision: NewDecision { branch: "", set: &set, seed: 0, model: None },
        durable: std::slice::from_ref(&length),
        checkpoint: &checkpoint(at),
        trigger_evaluations: &[evaluation()],
    })?;
    catalog.attempt("", 0)?;
    let evaluation = <(Prequential, BTreeMap<u32, Position>)>::default().save();
    let version =
        NewVersion { version: 1, sha256: "0", description: "0", loss: None, trained_samples: None };
    catalog.record_outcome(&OutcomeEntry {
        branch: "",
        trigger: 0,
        outcome: Ok(version),
        seconds: 0.0,
        evaluation: &evaluation,
        irreducible: &[],
    })?;
    catalog.record_evaluation("", &evaluation)?;
    catalog.published("directory", 1, None)?;
    catalog.uploading("1", "file:///1")?;
    catalog.remote("1")?;
    catalog.remove(&[expired()], &[("", 1)])?;
    catalog.erase("1", &length, &RoaringTreemap::new())?;
    catalog.remove_trigger_evaluations(0)?;
    catalog.keep_shadows(&[])?;
    catalog.remove_object_record("1")?;
    catalog.set_started("{}", "")?;
    catalog.set_complete(true)?;
    catalog.set_partitions(&[])?;
    Ok(())
}

/// Calls all functions that read.
fn read(catalog: &Catalog) -> Result<(), CatalogError> {
    let id = Id::new(0, 0, 1);
    catalog.run()?;
    catalog.has_started()?;
    catalog.partitions()?;
    catalog.segments()?;
    catalog.downloaded()?;
    let record = catalog.branch("")?;
    catalog.chosen("", &record)?;
    catalog.outbox("directory")?;
    catalog.unpublished("directory")?;
    catalog.shadow("shadow/a")?;
    catalog.observers()?;
    catalog.trigger_evaluations("")?;
    catalog.shadow_decisions("shadow/a", Some(1))?;
    catalog.decisions("", Some(1))?;
    catalog.versions("", Some(1))?;
    catalog.version_places("", 1, |_| Ok(std::ops::ControlFlow::Continue(())))?;
    catalog.totals("")?;
    catalog.digest("", 1)?;
    catalog.last_version("")?;
    catalog.irreducible_versions("", 0)?;
    catalog.training_set("", 0)?;
    catalog.training_set_of_version("", 1)?;
    catalog.trained_on(&[id], drop)?;
    catalog.trained_samples("", 0)?;
    catalog.trained(drop)?;
    catalog.in_training()?;
    catalog.erased()?;
    catalog.expired_segments(drop)?;
    catalog.expired_between(id, id, drop)?;
    catalog.expired_counts()?;
    catalog.is_expired("", 1)?;
    Ok(())
}

#[test]
fn no_statement_scans_a_table_that_grows() {
    let run = RunRecord {
        id: "a".to_owned(),
        pipeline: "{}".to_owned(),
        current: "{}".to_owned(),
        adopted: None,
        complete: false,
        arithmetic: None,
    };
    let folder = tempfile::tempdir().unwrap();
    let mut catalog = Catalog::create(&folder.path().join("a"), &run, &[] as &[Partition]).unwrap();
    catalog.database.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(note));
    write(&mut catalog).unwrap();
    read(&catalog).unwrap();
    catalog.database.trace_v2(TraceEventCodes::empty(), None);
    let statements = STATEMENTS.take();
    assert!(statements.len() > 50, "{} statements", statements.len());
    let mut scans = Vec::new();
    for statement in &statements {
        let data = ["SELECT", "WITH", "INSERT", "REPLACE", "UPDATE", "DELETE"];
        if !data.iter().any(|verb| statement.starts_with(verb)) {
            continue;
        }
        let mut plan = Vec::<String>::new();
        let explain = format!("EXPLAIN QUERY PLAN {statement}");
        let mut explained = catalog.database.prepare(&explain).unwrap();
        let mut rows = explained.raw_query();
        while let Some(row) = rows.next().unwrap() {
            plan.push(row.get("detail").unwrap());
        }
        // tables with a row for each partition or policy, and rows of a subquery.
        let small = ["CONSTANT", "partitions", "trigger_checkpoints", "found", "run"];
        let scan = |line: &&String| {
            let mut words = line.split_whitespace();
            words.next() == Some("SCAN") && words.next().is_some_and(|it| !small.contains(&it))
        };
        let kind = kind(statement);
        if let Some(line) = plan.iter().find(scan)
            && !SCANS.iter().any(|(allowed, _)| kind.starts_with(allowed))
        {
            scans.push(format!("{line}: {kind}"));
        }
    }
    assert!(scans.is_empty(), "{}", scans.join("\n"));
}

#[test]
fn every_method_of_the_catalog_is_called() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/catalog");
    let own = include_str!("query_plans.rs");
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap_or_default();
        for block in text.split("\nimpl Catalog {").skip(1) {
            let block = block.split("\n}\n").next().unwrap_or_default();
            let methods = block.match_indices("\n    pub fn ").map(|(at, _)| &block[at + 12..]);
            for method in methods.map(|rest| rest.split(['(', '<']).next().unwrap_or_default()) {
                let called = own.contains(&format!("atalog.{method}("));
                let opens = ["create", "view", "open", "settle"];
                let opens = opens.contains(&method) || method == "surplus_trigger_evaluations";
                assert!(called || opens, "`{method}` is not called");
            }
        }
    }
}
