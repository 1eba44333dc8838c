//! Evaluations of trigger policies, and decisions of shadows.

use std::collections::BTreeSet;

use driftmill_operators::flow::{ShadowDecision, TriggerEvaluation};
use driftmill_operators::trigger::{Cut, Measurement, Reason};
use driftmill_operators::{Id, Position};
use rusqlite::{Row, Transaction, named_params, params};

use super::table::{
    Record, SHADOW_DECISIONS, TRIGGER_EVALUATIONS, Table, optional, undecodable, unsigned,
};
use super::{Catalog, CatalogError};

impl Record for TriggerEvaluation {
    const TABLE: &'static Table = &TRIGGER_EVALUATIONS;

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let measurement: String = row.get("evaluation")?;
        let measurement: Measurement = serde_json::from_str(&measurement)
            .map_err(|error| undecodable(row, "evaluation", error))?;
        Ok(Self {
            position: position(row)?,
            trigger: unsigned(row, "trigger")?,
            number: row.get("number")?,
            decides: row.get("decides")?,
            version: optional(row, "version")?,
            seconds: row.get("seconds")?,
            measurement,
        })
    }
}

impl Record for ShadowDecision {
    const TABLE: &'static Table = &SHADOW_DECISIONS;

    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            number: unsigned(row, "number")?,
            position: position(row)?,
            cut: cut(row)?,
            version: optional(row, "version")?,
            reason: Reason {
                policy: row.get("kind")?,
                text: row.get("reason")?,
                score: row.get("score")?,
                threshold: row.get("threshold")?,
            },
            measurement: None,
        })
    }
}

/// The evaluations of a policy that are older than its newest `:keep`.
const OLD: &str = "WHERE policy = :policy AND (trigger, time, sample, number) <= (
    SELECT trigger, time, sample, number FROM trigger_evaluations WHERE policy = :policy
    ORDER BY trigger DESC, time DESC, sample DESC, number DESC LIMIT 1 OFFSET :keep)";

fn offset(keep: u64) -> i64 {
    i64::try_from(keep).unwrap_or(i64::MAX)
}

impl Catalog {
    /// Names of all policies with recorded evaluations or decisions, branches and shadows.
    ///
    /// # Errors
    /// When SQLite cannot read them.
    pub fn observers(&self) -> Result<Vec<String>, CatalogError> {
        let mut policies = BTreeSet::from_iter(self.distinct("branch", "decisions")?);
        policies.extend(self.distinct("policy", "trigger_evaluations")?);
        policies.extend(self.distinct("policy", "shadow_decisions")?);
        Ok(policies.into_iter().collect())
    }

    /// The distinct values of the first column of a table's primary key, with one search for each.
    pub(super) fn distinct(&self, column: &str, table: &str) -> Result<Vec<String>, CatalogError> {
        let query = format!(
            "WITH RECURSIVE found(value) AS (
                SELECT min({column}) FROM {table} UNION ALL
                SELECT (SELECT min({column}) FROM {table} WHERE {column} > found.value)
                FROM found WHERE found.value IS NOT NULL)
             SELECT value FROM found WHERE value IS NOT NULL"
        );
        self.rows(&query, [], |row| row.get("value"))
    }

    /// The number of evaluations beyond the newest `keep` of each policy.
    ///
    /// # Errors
    /// When SQLite cannot read them.
    pub fn surplus_trigger_evaluations(&self, keep: u64) -> Result<u64, CatalogError> {
        let query = format!("SELECT count(*) AS count FROM trigger_evaluations {OLD}");
        let mut surplus = 0;
        for policy in self.distinct("policy", "trigger_evaluations")? {
            let old = named_params! {":policy": policy, ":keep": offset(keep)};
            surplus +=
                self.rows(&query, old, |row| unsigned(row, "count"))?.into_iter().sum::<u64>();
        }
        Ok(surplus)
    }

    /// Removes evaluations beyond the newest `keep` of each policy. Returns their number.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn remove_trigger_evaluations(&mut self, keep: u64) -> Result<u64, CatalogError> {
        let surplus = self.surplus_trigger_evaluations(keep)?;
        if surplus == 0 {
            return Ok(0);
        }
        let policies = self.distinct("policy", "trigger_evaluations")?;
        let delete = format!("DELETE FROM trigger_evaluations {OLD}");
        self.commit("removing trigger evaluations from", |transaction| {
            let mut delete = transaction.prepare_cached(&delete)?;
            policies.iter().try_for_each(|policy| {
                delete.execute(named_params! {":policy": policy, ":keep": offset(keep)}).map(drop)
            })
        })?;
        Ok(surplus)
    }

    /// The evaluations of a policy, in order.
    ///
    /// # Errors
    /// When SQLite cannot read them, or one is damaged.
    pub fn trigger_evaluations(
        &self,
        policy: &str,
    ) -> Result<Vec<TriggerEvaluation>, CatalogError> {
        self.read("WHERE policy = ? ORDER BY trigger, time, sample, number", [policy])
    }

    /// The last `limit` decisions of a shadow, in order, without their measurements, which are part of its
    /// evaluations.
    ///
    /// # Errors
    /// When SQLite cannot read them, or one is damaged.
    pub fn shadow_decisions(
        &self,
        policy: &str,
        limit: Option<u64>,
    ) -> Result<Vec<ShadowDecision>, CatalogError> {
        let limit = limit.map_or(-1, u64::cast_signed);
        let rest = "WHERE policy = ? ORDER BY number DESC LIMIT ?";
        let mut last = self.read(rest, params![policy, limit])?;
        last.reverse();
        Ok(last)
    }
}

/// Inserts evaluations. Those that are repeated after a restart are already recorded and do not change.
pub(super) fn insert_trigger_evaluations(
    transaction: &Transaction<'_>,
    policy: &str,
    evaluations: &[TriggerEvaluation],
) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare_cached(&TRIGGER_EVALUATIONS.insert("INSERT OR IGNORE"))?;
    for evaluation in evaluations {
        insert.execute(named_params! {
            ":policy": policy,
            ":trigger": evaluation.trigger as i64,
            ":time": evaluation.position.time(),
            ":sample": evaluation.position.id().0 as i64,
            ":number": evaluation.number,
            ":decides": evaluation.decides,
            ":version": evaluation.version.map(|version| version as i64),
            ":seconds": evaluation.seconds,
            ":evaluation": serde_json::to_string(&evaluation.measurement)
                .expect("a measurement is plain data"),
        })?;
    }
    Ok(())
}

pub(super) fn insert_shadow_decisions(
    transaction: &Transaction<'_>,
    policy: &str,
    decisions: &[ShadowDecision],
) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare_cached(&SHADOW_DECISIONS.insert("INSERT OR IGNORE"))?;
    for ShadowDecision { number, position, cut, version, reason, measurement: _ } in decisions {
        insert.execute(named_params! {
            ":policy": policy,
            ":number": *number as i64,
            ":time": position.time(),
            ":sample": position.id().0 as i64,
            ":cut": cut_name(*cut),
            ":version": version.map(|version| version as i64),
            ":kind": reason.policy,
            ":reason": reason.text,
            ":score": reason.score,
            ":threshold": reason.threshold,
        })?;
    }
    Ok(())
}

/// Reads the position in columns `time` and `sample`.
pub(super) fn position(row: &Row<'_>) -> rusqlite::Result<Position> {
    Ok(Position::new(row.get("time")?, Id(unsigned(row, "sample")?)))
}

/// Reads the first position that the decision in a row does not cover.
pub(super) fn end(row: &Row<'_>) -> rusqlite::Result<Position> {
    Ok(match cut(row)? {
        Cut::Before => position(row)?,
        Cut::After => position(row)?.next(),
    })
}

pub(super) fn cut_name(cut: Cut) -> &'static str {
    match cut {
        Cut::Before => "before",
        Cut::After => "after",
    }
}

/// Reads the cut in column `cut`.
pub(super) fn cut(row: &Row<'_>) -> rusqlite::Result<Cut> {
    let name: String = row.get("cut")?;
    match &*name {
        "before" => Ok(Cut::Before),
        "after" => Ok(Cut::After),
        _ => Err(undecodable(row, "cut", format!("`{name}` is neither `before` nor `after`"))),
    }
}
