//! All problems of a pipeline file, with their positions.

use std::fmt::{self, Write};
use std::ops::Range;

use serde::Serialize;

/// The error for an invalid pipeline file: all its problems.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ConfigError {
    /// The file, as it was named.
    pub file: String,
    /// The problems, in the order of the file.
    pub problems: Vec<Problem>,
}

/// One problem of a pipeline file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Problem {
    /// The problem and what was expected.
    pub message: String,
    /// Line, from 1; none if the problem has no position in the file.
    pub line: Option<usize>,
    /// Column in characters, from 1.
    pub column: Option<usize>,
    /// The line itself.
    pub text: Option<String>,
    /// Number of underlined characters.
    #[serde(skip)]
    pub width: usize,
    /// A hint.
    pub hint: Option<String>,
}

impl Problem {
    /// Creates a problem at the bytes `span` of `text`.
    pub(super) fn at(text: &str, span: Option<Range<usize>>, message: impl Into<String>) -> Self {
        let mut problem = Self {
            message: message.into(),
            line: None,
            column: None,
            text: None,
            width: 0,
            hint: None,
        };
        let Some(span) = span.filter(|span| span.start <= text.len()) else { return problem };
        let start = text[..span.start].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[span.start..].find('\n').map_or(text.len(), |newline| span.start + newline);
        problem.line = Some(text[..span.start].matches('\n').count() + 1);
        problem.column = Some(text[start..span.start].chars().count() + 1);
        problem.text = Some(masked(text[start..end].trim_end()));
        problem.width = text[span.start..span.end.clamp(span.start, end)].chars().count().max(1);
        problem
    }

    pub(super) fn with_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }

    fn render(&self, file: &str, out: &mut String) -> fmt::Result {
        writeln!(out, "error: {}", self.message)?;
        match (self.line, self.column, &self.text) {
            (Some(line), Some(column), Some(text)) => {
                let margin = " ".repeat(line.to_string().len());
                writeln!(out, "{margin}--> {file}:{line}:{column}")?;
                writeln!(out, "{margin} |")?;
                writeln!(out, "{line} | {text}")?;
                let indent = " ".repeat(column - 1);
                writeln!(out, "{margin} | {indent}{}", "^".repeat(self.width))?;
            }
            _ => writeln!(out, " --> {file}")?,
        }
        if let Some(hint) = &self.hint {
            writeln!(out, "hint: {hint}")?;
        }
        Ok(())
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        for problem in &self.problems {
            problem.render(&self.file, &mut out)?;
            out.push('\n');
        }
        let count = self.problems.len();
        let plural = if count == 1 { "" } else { "s" };
        write!(f, "{out}`{}` has {count} problem{plural}", self.file)
    }
}

impl std::error::Error for ConfigError {}

/// The line with stars instead of the quoted value of a secret key.
fn masked(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(key) = ["password", "secret"].iter().filter_map(|key| rest.find(key)).min() {
        let Some(quote) = rest[key..].split_once('=').map(|(before, value)| {
            let space = value.len() - value.trim_start().len();
            key + before.len() + 1 + space
        }) else {
            break;
        };
        let Some(mark) = rest[quote..].chars().next().filter(|mark| "\"'".contains(*mark)) else {
            break;
        };
        let value = &rest[quote + 1..];
        let end = value.find(mark).unwrap_or(value.len());
        out += &rest[..=quote];
        out.extend(value[..end].chars().map(|_| '*'));
        rest = &value[end..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn secrets_are_masked_and_columns_stay() {
        let line = r#"p = { "sasl.password" = "wöndr", x = "y", "a.secret"='z', b = "c" }"#;
        let shown = r#"p = { "sasl.password" = "*****", x = "y", "a.secret"='*', b = "c" }"#;
        assert_eq!(masked(line), shown);
        for plain in ["a = \"b\"", "password", "password = 3", ""] {
            assert_eq!(masked(plain), plain);
        }
    }
}
