//! The decisions and versions of a run, without names, paths and wall-clock times.

use std::path::Path;

use serde_json::Value;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RunResult {
    pub(crate) summary: Value,
    catalog: Vec<String>,
}

impl RunResult {
    /// The results of a run that ended with this JSON object.
    pub(crate) fn of(state: &Path, stdout: &[u8]) -> Self {
        let mut summary: Value = serde_json::from_slice(stdout).unwrap();
        without(&mut summary);
        Self { summary, catalog: catalog(state) }
    }
}

/// Removes the values in which all runs differ.
pub(crate) fn without(value: &mut Value) {
    match value {
        Value::Object(map) => {
            let own = ["id", "run", "state", "seconds", "training_seconds", "created", "uri"];
            for key in own.into_iter().chain(["outages"]) {
                // the id of a trigger is a number.
                if map.get(key).is_some_and(|found| key != "id" || found.is_string()) {
                    map.remove(key);
                }
            }
            map.remove("pipeline_digest");
            map.values_mut().for_each(without);
        }
        Value::Array(items) => items.iter_mut().for_each(without),
        _ => {}
    }
}

/// The content of the catalog of a state directory.
pub(crate) fn catalog(state: &Path) -> Vec<String> {
    let database = rusqlite::Connection::open(state.join("catalog.sqlite")).unwrap();
    let tables = [
        "SELECT branch, trigger, time, sample, cut, decisions_before, policy, reason, score,
                threshold, candidates, samples, hex(ids), ids_digest, seed, model FROM decisions
         ORDER BY branch, trigger",
        "SELECT branch, trigger, version, sha256, loss, error FROM outcomes
         ORDER BY branch, trigger",
        "SELECT branch, trigger, json_remove(summary, '$.seconds'), hex(ids), hex(times),
                hex(weights) FROM trained_samples ORDER BY branch, trigger",
        "SELECT topic_index, partition, start, end FROM partitions ORDER BY number",
        "SELECT sink, version FROM outbox ORDER BY version",
        "SELECT policy, trigger, time, sample, number, decides, version, evaluation FROM trigger_evaluations
         ORDER BY policy, trigger, time, sample, number",
        "SELECT policy, number, time, sample, cut, version, kind, reason, score, threshold
         FROM shadow_decisions ORDER BY policy, number",
    ];
    let mut lines = Vec::new();
    for query in tables {
        let mut statement = database.prepare(query).unwrap();
        let columns = statement.column_count();
        let line = |row: &rusqlite::Row<'_>| {
            let cell = |i| row.get::<_, rusqlite::types::Value>(i);
            (0..columns).map(|i| Ok(format!("{:?}", cell(i)?))).collect::<Result<Vec<_>, _>>()
        };
        let rows = statement.query_map([], line).unwrap();
        lines.extend(rows.map(|row| row.unwrap().join(" ")));
    }
    lines
}
