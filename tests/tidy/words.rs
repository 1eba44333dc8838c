//! Words that the glossary replaces.

/// The worst words, with replacements.
const WRONG: &[(&str, &str)] = &[
    ("anew", "again"),
    ("learnt", "trained"),
    ("whoever", "the one that"),
    ("by chance", "random"),
    ("hand-out", "assignment"),
    ("show-set", "training-set"),
    ("oracle", "model queries"),
    ("standings", "checkpoints"),
    ("letterbox", "dead-letter queue"),
    ("what becomes of", "name what happens"),
    ("told", "reported"),
    ("patience", "time limit"),
    ("lateness", "late samples"),
    ("looked", "evaluated"),
    ("standing", "checkpoint"),
    ("gone", "removed, missing or lost"),
    ("judge", "irreducible-loss model"),
    ("fate", "status"),
];

/// Files about the words themselves, and statements that make earlier formats.
const ABOUT_WORDS: &[&str] =
    &["tests/tidy", "src/guide/changes.md", "src/catalog/migrations/09_tables.sql"];

/// The first wrong word of a file, and its replacement.
pub(crate) fn wrong(path: &str, text: &str) -> Option<(&'static str, &'static str)> {
    if ABOUT_WORDS.iter().any(|about| path.starts_with(about)) {
        return None;
    }
    // the parts of names are words, too, as is the name of the file.
    let text = words_of(&format!("{path}\n{text}"));
    WRONG.iter().copied().find(|(word, _)| {
        text.match_indices(word).any(|(start, _)| {
            let letter = |found: Option<char>| found.is_some_and(char::is_alphanumeric);
            !letter(text[..start].chars().next_back())
                && !letter(text[start + word.len()..].chars().next())
        })
    })
}

/// The text in lower case, with a space between the parts of names.
fn words_of(text: &str) -> String {
    let mut words = String::with_capacity(text.len());
    let mut before = ' ';
    for letter in text.chars() {
        if before.is_lowercase() && letter.is_uppercase() {
            words.push(' ');
        }
        words.extend(if letter == '_' { ' ' } else { letter }.to_lowercase());
        before = letter;
    }
    words
}

#[test]
fn whole_words_are_found() {
    assert_eq!(wrong("a.rs", "//! It is drawn anew."), Some(("anew", "again")));
    assert_eq!(wrong("a.rs", "fn samples_learnt()"), Some(("learnt", "trained")));
    assert_eq!(wrong("a.rs", "struct LastStandings"), Some(("standings", "checkpoints")));
    assert_eq!(wrong("a.rs", "//! Renewal."), None);
}
