use anyhow::ensure;
use driftmill_operators::selection::TrainingSet;

use super::Context;
use super::trainer::digest_of;
use crate::catalog::{DecidedRecord, OutcomeRecord};

impl Context {
    /// Compares a decision that was made again with its record; the outcome, if it was recorded or
    /// is now, after too many attempts.
    ///
    /// # Errors
    /// When it came out differently, or the catalog fails.
    pub(super) fn compare(
        &self,
        branch: &str,
        set: &TrainingSet,
        record: DecidedRecord,
    ) -> anyhow::Result<Option<OutcomeRecord>> {
        let trigger = set.decision.trigger;
        ensure!(
            record.decided == set.decision && record.ids_digest == digest_of(set),
            "decision {trigger} came out differently when it was made again: \
             at {:?} on {} samples, recorded at {:?} on {}\n\
             hint: is this the stream that the run began with? `driftmill verify` looks at the files",
            self.place(set.decision.position),
            set.rows.len(),
            self.place(record.decided.position),
            record.samples,
        );
        if record.outcome.is_some() || set.rows.is_empty() {
            return Ok(record.outcome);
        }
        let attempts =
            self.patience.until_room(|| Ok(self.catalog().attempt(branch, trigger)?))?;
        let most = self.pipeline.training.max_attempts.get();
        let error = (attempts > most)
            .then(|| Some(format!("{most} trainings ended with the whole process")));
        let failed = |error| OutcomeRecord {
            version: None,
            sha256: None,
            description: None,
            seconds: 0.0,
            error,
        };
        Ok(error.map(failed))
    }
}
