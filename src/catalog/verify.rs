//! Verification of a catalog by its checksums, and against the log and the models next to it.
//!
//! SQLite's own check covers the structure of the file: every page is used once, every byte of a page
//! belongs to a row or to free space, and indexes agree with tables. Checksums of rows cover the values,
//! the list of statements covers the schema, and a comparison covers the fields of the header that SQLite
//! does not read. Only free space and counters for SQLite's own use are not covered.

use std::io::Read;
use std::path::Path;

use roaring::RoaringTreemap;
use rusqlite::{Connection, Row};
use sha2::{Digest, Sha256};

use super::schema::{FORMAT, expected_statements, statements};
use super::table::{TABLES, Table};
use super::{Catalog, CatalogError, ModelStore, TrainedSamples};
use driftmill_operators::downsampling::Kept;

/// Maximum number of listed problems of one kind.
const LISTED: usize = 20;

/// The result of a verification.
#[derive(Clone, Debug, Default)]
pub struct CatalogHealth {
    /// Number of decisions.
    pub decisions: u64,
    /// Number of versions whose files match the recorded digests.
    pub versions: u64,
    /// All problems.
    pub problems: Vec<String>,
}

/// Verifies a catalog and its state directory `state`: the log's `samples`, together with those that
/// retention removed, and the models.
///
/// # Errors
/// When SQLite cannot read the catalog.
pub fn verify(
    catalog: &Catalog,
    state: &Path,
    samples: &RoaringTreemap,
) -> Result<CatalogHealth, CatalogError> {
    let mut health = CatalogHealth { problems: verify_database(catalog)?, ..Default::default() };
    let mut known = samples.clone();
    let expired = catalog.expired_segments(|segment| known |= segment.contents.samples);
    health.problems.extend(expired.err().map(text));
    let mut decisions = Vec::new();
    let read = catalog.trained(|set| {
        decisions.push(Verified {
            lacking: (&set.ids - &known).len(),
            name: name(&set.branch, set.decision.trigger),
            branch: set.branch,
            trigger: set.decision.trigger,
        });
    });
    health.problems.extend(read.err().map(text));
    for decision in decisions {
        health.decisions += 1;
        health.verify_decision(catalog, state, &decision)?;
    }
    Ok(health)
}

/// A verified decision.
struct Verified {
    name: String,
    branch: String,
    trigger: u64,
    /// Number of samples of its training set that were never in the log.
    lacking: u64,
}

impl CatalogHealth {
    fn verify_decision(
        &mut self,
        catalog: &Catalog,
        state: &Path,
        decision: &Verified,
    ) -> Result<(), CatalogError> {
        let Verified { name, branch, trigger, lacking } = decision;
        if *lacking > 0 {
            self.problems.push(format!("{name}: {lacking} samples are not in the log"));
        }
        let outcome = match catalog.outcome_of(branch, *trigger) {
            Ok(Some(outcome)) => outcome,
            // rows with an invalid checksum are already reported.
            Ok(None) | Err(CatalogError::Row { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        let (Some(version), Some(sha256)) = (outcome.version, &outcome.sha256) else {
            return Ok(());
        };
        let store = ModelStore::of(state, branch);
        let description = outcome.description.as_deref().unwrap_or_default();
        let recorded = Recorded { version, sha256, description };
        match recorded.check(&store, catalog.is_expired(branch, version)?) {
            Ok(()) => self.versions += 1,
            Err(problem) => self.problems.push(format!("{name}: version {version}: {problem}")),
        }
        // descriptions that do not decode are reported there.
        let Ok(described) = store.get(version) else { return Ok(()) };
        let Some(set) = catalog.training_set(branch, *trigger)? else { return Ok(()) };
        let problem = match catalog.trained_samples(branch, *trigger) {
            Err(CatalogError::Row { .. }) => None,
            Err(error) => return Err(error),
            Ok(trained) => compare(trained, &set.ids, described.data.trained_samples),
        };
        self.problems.extend(problem.map(|problem| format!("{name}: {problem}")));
        Ok(())
    }
}

/// All problems of the database itself.
fn verify_database(catalog: &Catalog) -> Result<Vec<String>, CatalogError> {
    let database = &catalog.database;
    let failed = || CatalogError::database("reading");
    catalog.settle()?;
    let mut problems = header_problems(database)?;
    let structure = list(database, "PRAGMA integrity_check", |row| row.get(0)).map_err(failed())?;
    let wrong = structure.into_iter().filter(|line| line != "ok").take(LISTED);
    problems.extend(wrong.map(|line| format!("`catalog.sqlite`: {line}")));
    let found = statements(database).map_err(failed())?;
    let wanted =
        expected_statements().map_err(CatalogError::migration(Path::new("catalog.sqlite")))?;
    if found != wanted {
        problems.push("`catalog.sqlite`: its schema does not match its format".to_owned());
    }
    for table in TABLES {
        problems.extend(damaged_rows(database, table).map_err(failed())?);
    }
    let orphans = "SELECT 'decision ' || trigger || ' of `' || branch || '`' FROM outcomes
                   WHERE (branch, trigger) NOT IN (SELECT branch, trigger FROM decisions)";
    let orphans = list(database, orphans, |row| row.get(0)).map_err(failed())?;
    problems.extend(orphans.into_iter().map(|name| format!("{name} is missing")));
    Ok(problems)
}

fn damaged_rows(database: &Connection, table: &Table) -> rusqlite::Result<Vec<String>> {
    let rows = list(database, &table.select_damaged(), |row| {
        let (name, key) = (table.name, table.key_of(row));
        Ok(format!("`catalog.sqlite`: table {name}, {key}: its checksum does not match"))
    })?;
    Ok(rows.into_iter().take(LISTED).collect())
}

fn list(
    database: &Connection,
    query: &str,
    row: impl FnMut(&Row<'_>) -> rusqlite::Result<String>,
) -> rusqlite::Result<Vec<String>> {
    database.prepare(query)?.query_map([], row)?.collect()
}

/// Problems in fields of the file's header that SQLite does not check.
fn header_problems(database: &Connection) -> Result<Vec<String>, CatalogError> {
    let Some(path) = database.path().filter(|path| !path.is_empty()) else {
        return Ok(Vec::new());
    };
    let mut header = [0; 100];
    std::fs::File::open(path)
        .and_then(|mut file| file.read_exact(&mut header))
        .map_err(CatalogError::io("reading", path))?;
    let word =
        |at: usize| header[at..at + 4].iter().fold(0, |word, byte| word << 8 | u32::from(*byte));
    let fields: [(&str, u32, u32); 9] = [
        ("version for writing", header[18].into(), 2),
        ("version for reading", header[19].into(), 2),
        ("schema format", word(44), 4),
        ("cache size", word(48), 0),
        ("largest root page", word(52), 0),
        ("encoding", word(56), 1),
        ("format", word(60), FORMAT as u32),
        ("incremental vacuum", word(64), 0),
        ("application", word(68), 0),
    ];
    let wrong = fields.iter().filter(|(_, found, wanted)| found != wanted);
    let mut problems: Vec<String> = wrong
        .map(|(field, found, wanted)| {
            format!("`catalog.sqlite`: its header says {found} for {field}, not {wanted}")
        })
        .collect();
    if header[72..92].iter().any(|byte| *byte != 0) {
        problems.push("`catalog.sqlite`: reserved bytes of its header are not zero".to_owned());
    }
    Ok(problems)
}

/// Compares the samples that a training used with its training set, and with the description of its
/// version.
fn compare(
    trained_samples: Option<(TrainedSamples, Vec<Kept>)>,
    set: &RoaringTreemap,
    described: Option<TrainedSamples>,
) -> Option<String> {
    let (trained_samples, kept) = trained_samples.unzip();
    let others = kept.iter().flatten().filter(|kept| !set.contains(kept.id.0)).count();
    if others > 0 {
        return Some(format!("it trained on {others} samples that are not in its training set"));
    }
    // numbers may be written with a different last digit.
    let digest = |samples: Option<TrainedSamples>| samples.map(|samples| samples.digest);
    let text = "the samples that it trained on do not match the version's description";
    (digest(trained_samples) != digest(described)).then(|| text.to_owned())
}

/// The record of a version.
struct Recorded<'a> {
    version: u64,
    sha256: &'a str,
    description: &'a str,
}

impl Recorded<'_> {
    /// Compares the two files of a version with its record, or only the description if its weights were
    /// removed.
    fn check(&self, store: &ModelStore, removed: bool) -> Result<(), String> {
        let (described, digest) = store.described(self.version).map_err(text)?;
        if described.version != self.version || described.artifact.sha256 != self.sha256 {
            return Err("its description belongs to another version".to_owned());
        }
        if digest != self.description {
            return Err("its description does not match the recorded one".to_owned());
        }
        if removed {
            return Ok(());
        }
        let weights = store.weights(self.version).map_err(text)?;
        if hex::encode(Sha256::digest(&weights)) != self.sha256 {
            return Err("its weights do not match the recorded ones".to_owned());
        }
        Ok(())
    }
}

/// An error with its causes, without the hint.
fn text(error: CatalogError) -> String {
    let text = format!("{:#}", anyhow::Error::from(error));
    text.split("\nhint:").next().unwrap_or_default().to_owned()
}

fn name(branch: &str, trigger: u64) -> String {
    match branch {
        "" => format!("trigger {trigger}"),
        name => format!("trigger {trigger} of {name}"),
    }
}
