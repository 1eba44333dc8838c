use std::path::Path;

use roaring::RoaringTreemap;
use rusqlite::Connection;
use sha2::{Digest, Sha256};

use super::database::hex;
use super::{Catalog, CatalogError, ModelStore, TrainedSamples};
use crate::train::Kept;

/// What a comparison of a catalog with the files beside it found.
#[derive(Clone, Debug, Default)]
pub struct CatalogHealth {
    /// Number of decisions.
    pub decisions: u64,
    /// Number of versions whose files are what was recorded.
    pub versions: u64,
    /// What is wrong.
    pub problems: Vec<String>,
}

/// Compares a catalog with its state directory `state`: with the log's `samples`, to which those
/// belong that were removed, and the models.
///
/// # Errors
/// When SQLite cannot read the catalog.
pub fn verify(
    catalog: &Catalog,
    state: &Path,
    samples: &RoaringTreemap,
) -> Result<CatalogHealth, CatalogError> {
    let database = &catalog.database;
    let failed = || CatalogError::database("reading");
    let mut health = CatalogHealth::default();
    let sound: String =
        database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).map_err(failed())?;
    if sound != "ok" {
        health.problems.push(format!("the catalog is damaged: {sound}"));
    }
    let mut known = samples.clone();
    catalog.removed(|segment| known |= segment.contents.samples)?;
    health.decisions(database, &known).map_err(failed())?;
    health.outcomes(database, state).map_err(failed())?;
    health.trained_samples(catalog, state).map_err(failed())?;
    Ok(health)
}

impl CatalogHealth {
    fn decisions(
        &mut self,
        database: &Connection,
        samples: &RoaringTreemap,
    ) -> Result<(), rusqlite::Error> {
        let query = "SELECT branch, trigger, samples, ids FROM decisions ORDER BY branch, trigger";
        let mut decided = database.prepare(query)?;
        let mut rows = decided.query([])?;
        while let Some(row) = rows.next()? {
            let name = name(row.get(0)?, row.get(1)?);
            let (count, ids): (i64, Vec<u8>) = (row.get(2)?, row.get(3)?);
            self.decisions += 1;
            match RoaringTreemap::deserialize_from(&*ids) {
                Err(error) => self.problems.push(format!("{name}: its training set: {error}")),
                Ok(ids) if ids.len() != count as u64 => {
                    let text = format!("{name}: {count} samples, but {} ids", ids.len());
                    self.problems.push(text);
                }
                Ok(ids) if !ids.is_subset(samples) => {
                    let lacking = (ids - samples).len();
                    self.problems.push(format!("{name}: {lacking} samples are not in the log"));
                }
                Ok(_) => {}
            }
        }
        Ok(())
    }

    fn outcomes(&mut self, database: &Connection, state: &Path) -> Result<(), rusqlite::Error> {
        let query = "SELECT branch, trigger, version, sha256, description,
                            (branch, version) IN expired_versions
                     FROM outcomes WHERE version IS NOT NULL ORDER BY branch, trigger";
        let mut outcomes = database.prepare(query)?;
        let mut rows = outcomes.query([])?;
        while let Some(row) = rows.next()? {
            let (branch, trigger): (String, i64) = (row.get(0)?, row.get(1)?);
            let (version, sha256): (i64, String) = (row.get(2)?, row.get(3)?);
            let description: String = row.get(4)?;
            let store = ModelStore::of(state, &branch);
            let removed: bool = row.get(5)?;
            match check(&store, version as u64, [&sha256, &description], removed) {
                Ok(()) => self.versions += 1,
                Err(problem) => {
                    self.problems
                        .push(format!("{}: version {version}: {problem}", name(branch, trigger)));
                }
            }
        }
        Ok(())
    }
}

impl CatalogHealth {
    fn trained_samples(&mut self, catalog: &Catalog, state: &Path) -> Result<(), rusqlite::Error> {
        let query = "SELECT branch, trigger, d.ids, version
                     FROM decisions d JOIN outcomes USING (branch, trigger)
                     WHERE version IS NOT NULL ORDER BY branch, trigger";
        let mut made = catalog.database.prepare(query)?;
        let mut rows = made.query([])?;
        while let Some(row) = rows.next()? {
            let (branch, trigger): (String, i64) = (row.get(0)?, row.get(1)?);
            let (ids, version): (Vec<u8>, i64) = (row.get(2)?, row.get(3)?);
            // sets and descriptions that are none are told elsewhere.
            let set = RoaringTreemap::deserialize_from(&*ids).unwrap_or_default();
            let Ok(version) = ModelStore::of(state, &branch).get(version as u64) else { continue };
            let problem = match catalog.trained_samples(&branch, trigger as u64) {
                Err(error) => Some(told(error)),
                Ok(trained_samples) => compare(trained_samples, &set, version.data.trained_samples),
            };
            let problem = problem.map(|problem| format!("{}: {problem}", name(branch, trigger)));
            self.problems.extend(problem);
        }
        Ok(())
    }
}

/// What is wrong with what a training trained on, of `set`, its version having been `described`.
fn compare(
    trained_samples: Option<(TrainedSamples, Vec<Kept>)>,
    set: &RoaringTreemap,
    described: Option<TrainedSamples>,
) -> Option<String> {
    let (trained_samples, kept) = match trained_samples {
        Some((trained_samples, kept)) => (Some(trained_samples), kept),
        None => (None, Vec::new()),
    };
    let others = kept.iter().filter(|kept| !set.contains(kept.id.0)).count();
    if others > 0 {
        return Some(format!("it trained on {others} samples that are not in its training set"));
    }
    // numbers may be written with another last digit.
    let digest = |trained_samples: Option<TrainedSamples>| {
        trained_samples.map(|trained_samples| trained_samples.digest)
    };
    let text = "what it trained on is not what the version's description says";
    (digest(trained_samples) != digest(described)).then(|| text.to_owned())
}

/// Whether a version's two files are those of the outcome; one, if its weights were removed.
fn check(
    store: &ModelStore,
    version: u64,
    [sha256, description]: [&str; 2],
    removed: bool,
) -> Result<(), String> {
    let (described, digest) = store.described(version).map_err(told)?;
    if described.version != version || described.artifact.sha256 != sha256 {
        return Err("its description is that of another".to_owned());
    }
    if digest != description {
        return Err("its description is not the one that was recorded".to_owned());
    }
    if removed {
        return Ok(());
    }
    let weights = store.weights(version).map_err(told)?;
    if hex(&Sha256::digest(&weights)) != sha256 {
        return Err("its weights are not those that were recorded".to_owned());
    }
    Ok(())
}

/// An error with its causes.
fn told(error: CatalogError) -> String {
    format!("{:#}", anyhow::Error::from(error))
}

fn name(branch: String, trigger: i64) -> String {
    match &*branch {
        "" => format!("trigger {trigger}"),
        name => format!("trigger {trigger} of {name}"),
    }
}
