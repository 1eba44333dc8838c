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
];

/// Files about the words themselves.
const ABOUT_WORDS: &[&str] = &["tests/tidy", "src/guide/changes.md"];

/// The first wrong word of a file, and its replacement.
pub(crate) fn wrong(path: &str, text: &str) -> Option<(&'static str, &'static str)> {
    if ABOUT_WORDS.iter().any(|about| path.starts_with(about)) {
        return None;
    }
    // the parts of snake-case names are words, too, as is the name of the file.
    let text = format!("{path}\n{text}").to_lowercase().replace('_', " ");
    WRONG.iter().copied().find(|(word, _)| {
        text.match_indices(word).any(|(start, _)| {
            let letter = |found: Option<char>| found.is_some_and(char::is_alphanumeric);
            !letter(text[..start].chars().next_back())
                && !letter(text[start + word.len()..].chars().next())
        })
    })
}

#[test]
fn whole_words_are_found() {
    assert_eq!(wrong("a.rs", "//! It is drawn anew."), Some(("anew", "again")));
    assert_eq!(wrong("a.rs", "fn samples_learnt()"), Some(("learnt", "trained")));
    assert_eq!(wrong("a.rs", "//! Renewal."), None);
}
