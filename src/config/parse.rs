//! Reads and checks a pipeline file.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};
use toml_edit::DocumentMut;

use super::{ConfigError, Override, Pipeline, Problem};

/// Maximum number of problems reported for one file.
const MOST_PROBLEMS: usize = 50;

/// Reads the pipeline in `text`, the content of `file`, with `overrides` applied.
///
/// # Errors
/// All problems of the file at once.
pub fn load(file: &str, text: &str, overrides: &[Override]) -> Result<Pipeline, ConfigError> {
    let refused = |problems| ConfigError { file: file.to_owned(), problems };
    let text = overridden(text, overrides).map_err(|problem| refused(vec![problem]))?;
    let (table, errors) = DeTable::parse_recoverable(&text);
    if !errors.is_empty() {
        let problem = |e: &toml::de::Error| Problem::at(&text, e.span(), e.message());
        return Err(refused(errors.iter().map(problem).collect()));
    }
    let mut pipeline = deserialize(&text, table.clone()).map_err(refused)?;
    pipeline.complete();
    let problems: Vec<Problem> = pipeline
        .check()
        .into_iter()
        .map(|(path, message)| {
            Problem::at(&text, find(table.get_ref(), &path), format!("`{path}`: {message}"))
        })
        .collect();
    if problems.is_empty() { Ok(pipeline) } else { Err(refused(problems)) }
}

fn overridden(text: &str, overrides: &[Override]) -> Result<String, Problem> {
    if overrides.is_empty() {
        return Ok(text.to_owned());
    }
    let mut document: DocumentMut =
        text.parse().map_err(|e: toml_edit::TomlError| Problem::at(text, e.span(), e.message()))?;
    for change in overrides {
        change.apply(&mut document).map_err(|message| {
            let hint = "keys after --set are those of the file: --set training.epochs=3";
            Problem::at(text, None, message).with_hint(Some(hint.into()))
        })?;
    }
    Ok(document.to_string())
}

/// Deserializes the pipeline. Serde stops at the first error, so the invalid part is removed and the rest
/// tried again.
fn deserialize(text: &str, mut table: Spanned<DeTable<'_>>) -> Result<Pipeline, Vec<Problem>> {
    let mut problems: Vec<Problem> = Vec::new();
    let mut removed: Vec<String> = Vec::new();
    while problems.len() < MOST_PROBLEMS {
        let error = match Pipeline::deserialize(Deserializer::from(table.clone())) {
            Ok(pipeline) if problems.is_empty() => return Ok(pipeline),
            Ok(_) => break,
            Err(error) => error,
        };
        // a key is missing because it was invalid and was removed: it has been reported.
        let missing = quoted(error.message(), "missing field ");
        let consequence = missing.as_ref().is_some_and(|key| removed.contains(key))
            || error.message().starts_with("wanted exactly 1 element") && !removed.is_empty();
        if !consequence {
            let nearest = nearest(error.message());
            let (message, hint) = explained(error.message(), nearest.as_deref());
            let message = plain(&message);
            problems.push(Problem::at(text, error.span(), message).with_hint(hint));
            // the key exists under its wrong name.
            removed.extend(nearest);
        }
        let span = error.span().unwrap_or(0..0);
        let taken = match missing {
            // a table without a required key cannot be completed: the whole table is removed.
            Some(_) => remove_table(table.get_mut(), &span),
            None => remove(table.get_mut(), &span),
        };
        match taken {
            Some(key) => removed.push(key),
            None => break,
        }
    }
    problems.sort_by_key(|problem| (problem.line, problem.column));
    Err(problems)
}

/// The message of Serde in terms of pipeline files, and a hint.
fn explained(message: &str, nearest: Option<&str>) -> (String, Option<String>) {
    if message.starts_with("wanted exactly 1 element, more") {
        let hint = "remove the others; --set can replace a whole table, as in \
                    --set 'trigger={ amount = { every = 100 } }'";
        return ("only one can be chosen here".to_owned(), Some(hint.to_owned()));
    }
    if message.contains("unit variant, expected newtype variant") {
        let hint = "write a table, as in policy.loss = {} instead of policy = \"loss\"";
        return (
            "a component with settings is a table, not a string".to_owned(),
            Some(hint.to_owned()),
        );
    }
    (message.to_owned(), nearest.map(|name| format!("did you mean `{name}`?")))
}

/// The message without names of Rust's types.
fn plain(message: &str) -> String {
    let Some((found, wanted)) = message.split_once(", expected ") else {
        return message.to_owned();
    };
    let wanted = match wanted {
        "f64" | "f32" => "a number",
        "u64" | "u32" | "usize" => "a whole number",
        "i64" | "i32" => "a whole number, which may be negative",
        "a nonzero u64" | "a nonzero u32" | "a nonzero usize" => "a whole number above 0",
        "a sequence" => "a list",
        "a map" => "a table",
        other => other,
    };
    let found = found.replace("invalid type: map", "invalid type: a table");
    format!(
        "{}, expected {wanted}",
        found.replace("invalid type: sequence", "invalid type: a list")
    )
}

/// Removes the innermost entry whose key or value covers `span`. Returns its key.
fn remove(table: &mut DeTable<'_>, span: &Range<usize>) -> Option<String> {
    let covers = |outer: Range<usize>| outer.start <= span.start && span.end <= outer.end;
    let key = table.iter().find_map(|(key, value)| {
        (covers(key.span()) || covers(value.span()) || inner(value.get_ref(), span))
            .then(|| key.get_ref().to_string())
    })?;
    let entry = table.iter_mut().find(|(held, _)| *held.get_ref() == key.as_str());
    if let Some((held, value)) = entry
        && !covers(held.span())
        && let DeValue::Table(below) = value.get_mut()
        && let Some(key) = remove(below, span)
    {
        return Some(key);
    }
    take(table, &key)
}

/// Removes the innermost table whose span is `span`. Returns its key.
fn remove_table(table: &mut DeTable<'_>, span: &Range<usize>) -> Option<String> {
    let found = table
        .iter()
        .find(|(_, value)| value.span() == *span && value.get_ref().is_table())
        .map(|(key, _)| key.get_ref().to_string());
    if let Some(key) = found {
        return take(table, &key);
    }
    table.iter_mut().find_map(|(_, value)| match value.get_mut() {
        DeValue::Table(below) => remove_table(below, span),
        _ => None,
    })
}

fn take(table: &mut DeTable<'_>, key: &str) -> Option<String> {
    let held = table.keys().find(|held| *held.get_ref() == key)?.clone();
    table.remove(&held).map(|_| key.to_owned())
}

/// Whether a value inside `value` covers `span`: a table may be written in several parts.
fn inner(value: &DeValue<'_>, span: &Range<usize>) -> bool {
    let covers = |outer: Range<usize>| outer.start <= span.start && span.end <= outer.end;
    value.as_table().is_some_and(|table| {
        table.iter().any(|(key, value)| {
            covers(key.span()) || covers(value.span()) || inner(value.get_ref(), span)
        })
    })
}

/// The span of the longest part of `path` that exists in the file.
fn find(table: &DeTable<'_>, path: &str) -> Option<Range<usize>> {
    let mut table = table;
    let mut span = None;
    for part in path.split('.') {
        let Some((key, value)) = table.iter().find(|(key, _)| key.get_ref() == part) else { break };
        span = Some(key.span());
        match value.get_ref() {
            DeValue::Table(below) => table = below,
            _ => break,
        }
    }
    span
}

/// The name in backquotes after `prefix`.
fn quoted(message: &str, prefix: &str) -> Option<String> {
    let rest = message.strip_prefix(prefix)?.strip_prefix('`')?;
    rest.split('`').next().map(str::to_owned)
}

/// The nearest of the names that a message of serde lists as expected.
fn nearest(message: &str) -> Option<String> {
    let found = ["unknown field ", "unknown variant "].iter().find_map(|p| quoted(message, p))?;
    let expected = message.split_once("expected ")?.1;
    let nearest = expected
        .split('`')
        .skip(1)
        .step_by(2)
        .map(|name| (strsim::damerau_levenshtein(name, &found), name))
        .min()?;
    let (distance, name) = nearest;
    (distance <= 1 + found.len() / 3).then(|| name.to_owned())
}
