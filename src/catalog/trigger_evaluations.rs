//! What policies saw, and where shadows fired.

use driftmill_operators::flow::{ShadowDecision, TriggerEvaluation};
use driftmill_operators::trigger::{Cut, Measurement, Reason};
use driftmill_operators::{Id, Position};
use rusqlite::{Row, Transaction, params};

use super::{Catalog, CatalogError};

impl Catalog {
    /// Names of the policies that something is recorded of which they saw, branches and shadows.
    ///
    /// # Errors
    /// When SQLite cannot read them.
    pub fn observers(&self) -> Result<Vec<String>, CatalogError> {
        self.rows(
            "SELECT branch FROM decisions UNION SELECT policy FROM trigger_evaluations
             UNION SELECT policy FROM shadow_decisions ORDER BY 1",
            [],
            |row| row.get(0),
        )
    }

    /// What a policy saw, in order.
    ///
    /// # Errors
    /// When SQLite cannot read it, or a look is not one.
    pub fn looks(&self, policy: &str) -> Result<Vec<TriggerEvaluation>, CatalogError> {
        let query = "SELECT time, sample, trigger, number, decides, version, seconds, evaluation
                     FROM trigger_evaluations WHERE policy = ? ORDER BY trigger, time, sample, number";
        let looks = self.rows(query, [policy], |row| {
            let id = Id(row.get::<_, i64>(1)? as u64);
            let looked = TriggerEvaluation {
                position: Position::new(row.get(0)?, id),
                trigger: row.get::<_, i64>(2)? as u64,
                number: row.get(3)?,
                decides: row.get(4)?,
                version: row.get::<_, Option<i64>>(5)?.map(|version| version as u64),
                seconds: row.get(6)?,
                measurement: Measurement::default(),
            };
            Ok((looked, row.get::<_, String>(7)?))
        })?;
        let parsed = |(looked, look): (TriggerEvaluation, String)| match serde_json::from_str(&look)
        {
            Ok(look) => Ok(TriggerEvaluation { measurement: look, ..looked }),
            Err(error) => Err(CatalogError::State(error.to_string())),
        };
        looks.into_iter().map(parsed).collect()
    }

    /// Where a shadow fired, in order; without what it saw there, which is among the looks.
    pub(super) fn fired(&self, policy: &str) -> Result<Vec<ShadowDecision>, CatalogError> {
        let query = "SELECT number, time, sample, cut, version, kind, reason, score, threshold
                     FROM shadow_decisions WHERE policy = ? ORDER BY number";
        self.rows(query, [policy], |row| {
            let id = Id(row.get::<_, i64>(2)? as u64);
            Ok(ShadowDecision {
                number: row.get::<_, i64>(0)? as u64,
                position: Position::new(row.get(1)?, id),
                cut: cut_of(row, 3)?,
                version: row.get::<_, Option<i64>>(4)?.map(|version| version as u64),
                reason: Reason {
                    policy: row.get(5)?,
                    text: row.get(6)?,
                    score: row.get(7)?,
                    threshold: row.get(8)?,
                },
                measurement: None,
            })
        })
    }
}

/// What is seen again after a restart is there, and stays as it was: only how long it took differs.
pub(super) fn insert_trigger_evaluations(
    transaction: &Transaction<'_>,
    policy: &str,
    looks: &[TriggerEvaluation],
) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare_cached(
        "INSERT OR IGNORE INTO trigger_evaluations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    for TriggerEvaluation {
        position,
        trigger,
        number,
        decides,
        version,
        measurement: look,
        seconds,
    } in looks
    {
        insert.execute(params![
            policy,
            *trigger as i64,
            position.time(),
            position.id().0 as i64,
            number,
            decides,
            version.map(|version| version as i64),
            seconds,
            serde_json::to_string(look).expect("a look is plain data"),
        ])?;
    }
    Ok(())
}

pub(super) fn insert_shadow_decisions(
    transaction: &Transaction<'_>,
    policy: &str,
    fired: &[ShadowDecision],
) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare_cached(
        "INSERT OR IGNORE INTO shadow_decisions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    for ShadowDecision { number, position, cut, version, reason, measurement: _ } in fired {
        insert.execute(params![
            policy,
            *number as i64,
            position.time(),
            position.id().0 as i64,
            cut_name(*cut),
            version.map(|version| version as i64),
            reason.policy,
            reason.text,
            reason.score,
            reason.threshold,
        ])?;
    }
    Ok(())
}

pub(super) fn cut_name(cut: Cut) -> &'static str {
    match cut {
        Cut::Before => "before",
        Cut::After => "after",
    }
}

pub(super) fn cut_of(row: &Row<'_>, column: usize) -> rusqlite::Result<Cut> {
    Ok(if row.get::<_, String>(column)? == "before" { Cut::Before } else { Cut::After })
}
