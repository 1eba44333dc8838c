//! Errors of files.

use std::path::Path;

use crate::source::SourceError;

/// Makes the error of an action with a file.
pub(super) fn failed<E: std::error::Error + Send + Sync + 'static>(
    action: &'static str,
    path: &Path,
) -> impl FnOnce(E) -> SourceError {
    let path = path.to_owned();
    move |source| SourceError::File { action, path, source: Box::new(source) }
}

/// The error for a missing column, with the existing ones.
pub(super) fn no_column(path: &Path, column: &str, found: &[String]) -> SourceError {
    let nearest = found
        .iter()
        .map(|name| (strsim::damerau_levenshtein(name, column), name))
        .min()
        .filter(|(distance, _)| *distance <= 1 + column.len() / 3)
        .map(|(_, name)| format!("\nhint: did you mean `{name}`?"))
        .unwrap_or_default();
    SourceError::Mismatch(format!(
        "`{}` has no column `{column}`, but {}{nearest}",
        path.display(),
        found.join(", ")
    ))
}
