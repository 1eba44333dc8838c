//! Detects streams in which no sample has a label.

use driftmill_datasets::Columns;
use driftmill_datasets::codec::CodecTable;

/// Number of samples without a label after which this is reported.
const ENOUGH: u64 = 1000;

/// Watches for a label among the first samples that a worker reads.
pub(super) struct LabelWatch {
    codec: CodecTable,
    unlabelled: u64,
    /// Whether the watch is over.
    done: bool,
}

impl LabelWatch {
    /// Watches samples of a codec that names a column of labels; other codecs have no labels.
    pub(super) fn new(codec: &CodecTable) -> Self {
        Self { codec: codec.clone(), unlabelled: 0, done: codec.label().is_none() }
    }

    /// Counts the sample that was just decoded from `payload`. Reports if no sample has a label.
    pub(super) fn decoded(&mut self, payload: &[u8], columns: &Columns) {
        if self.done {
            return;
        }
        self.unlabelled += 1;
        let labelled = columns.labels.last().is_some_and(Option::is_some);
        self.done = labelled || self.unlabelled == ENOUGH;
        if self.done && !labelled {
            let label = self.codec.label().unwrap_or_default();
            let names = self.codec.names(payload);
            let found = if names.iter().any(|name| name == label) {
                format!("`{label}` is empty in all of them")
            } else {
                format!("there is no `{label}` among `{}`", names.join("`, `"))
            };
            tracing::warn!(
                "none of the first {ENOUGH} samples has a label: {found}\nhint: `label` of the codec \
                 names the column of the class"
            );
        }
    }
}
