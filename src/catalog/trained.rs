use std::collections::BTreeMap;

use driftmill_operators::flow::Decision;
use driftmill_operators::trigger::{Cut, Reason};
use driftmill_operators::{Id, Position};
use roaring::RoaringTreemap;
use rusqlite::Row;

use super::{Catalog, CatalogError};

/// A decision's training set, and the version that it led to.
#[derive(Clone, Debug)]
pub struct TrainedSet {
    /// Empty for the pipeline's own, else the name of the comparison.
    pub branch: String,
    /// The version, if there is one.
    pub version: Option<u64>,
    /// The decision.
    pub decision: Decision,
    /// The version that was active before.
    pub parent: Option<u64>,
    /// SHA-256 of the version's weights.
    pub sha256: Option<String>,
    /// Samples that the selection could choose from.
    pub candidates: u64,
    /// How many of each class it chose.
    pub labels: BTreeMap<u32, u64>,
    /// Sum of their weights.
    pub weight: f64,
    /// The samples.
    pub ids: RoaringTreemap,
    /// SHA-256 of their ids.
    pub ids_digest: String,
    /// How long choosing them took.
    pub seconds: f64,
    /// Seed of the training.
    pub seed: u64,
}

impl Catalog {
    /// Shows the training set of every decision, branch after branch, oldest first; one at a time,
    /// for all together may be large.
    ///
    /// # Errors
    /// When SQLite cannot read them, or a bitmap is not one.
    pub fn trained(&self, mut each: impl FnMut(TrainedSet)) -> Result<(), CatalogError> {
        let failed = || CatalogError::database("reading");
        let query = "SELECT d.branch, o.version, d.trigger, d.time, d.sample, d.cut,
                            d.decisions_before, d.policy, d.reason, d.score, d.threshold, d.model,
                            o.sha256, d.ids_digest, d.seed, d.ids, d.candidates, d.labels, d.weight,
                            d.seconds
                     FROM decisions d LEFT JOIN outcomes o USING (branch, trigger)
                     ORDER BY branch, trigger";
        let mut statement = self.database.prepare(query).map_err(failed())?;
        let mut rows = statement.query([]).map_err(failed())?;
        while let Some(row) = rows.next().map_err(failed())? {
            let ids: Vec<u8> = row.get(15).map_err(failed())?;
            let ids = RoaringTreemap::deserialize_from(&*ids)
                .map_err(|error| CatalogError::State(error.to_string()))?;
            let labels: String = row.get(17).map_err(failed())?;
            let labels = serde_json::from_str(&labels)
                .map_err(|error| CatalogError::State(error.to_string()))?;
            each(TrainedSet { labels, ..trained(row, ids).map_err(failed())? });
        }
        Ok(())
    }
}

fn trained(row: &Row<'_>, ids: RoaringTreemap) -> rusqlite::Result<TrainedSet> {
    let id = Id(row.get::<_, i64>(4)? as u64);
    Ok(TrainedSet {
        branch: row.get(0)?,
        candidates: row.get::<_, i64>(16)? as u64,
        labels: BTreeMap::new(),
        weight: row.get(18)?,
        seconds: row.get(19)?,
        version: row.get::<_, Option<i64>>(1)?.map(|version| version as u64),
        decision: Decision {
            trigger: row.get::<_, i64>(2)? as u64,
            position: Position::new(row.get(3)?, id),
            cut: if row.get::<_, String>(5)? == "before" { Cut::Before } else { Cut::After },
            decisions_before: row.get(6)?,
            reason: Reason {
                policy: row.get(7)?,
                text: row.get(8)?,
                score: row.get(9)?,
                threshold: row.get(10)?,
            },
        },
        parent: row.get::<_, Option<i64>>(11)?.map(|version| version as u64),
        sha256: row.get(12)?,
        ids_digest: row.get(13)?,
        seed: row.get::<_, i64>(14)? as u64,
        ids,
    })
}
