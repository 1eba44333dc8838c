//! Problems of tables whose keys name components.

/// The problems of every component of a table, each with its key. A table without components is a problem,
/// too; `example` is a key for its message.
pub(crate) fn check_named<T: ?Sized>(
    named: &[(&str, &T)],
    example: &str,
    problems: impl Fn(&T) -> Vec<String>,
) -> Vec<String> {
    if named.is_empty() {
        return vec![format!("name at least one metric, as in {example}")];
    }
    let with_key = |(key, component): &(&str, &T)| {
        let problems = problems(component).into_iter();
        problems.map(|problem| format!("{key}: {problem}")).collect::<Vec<_>>()
    };
    named.iter().flat_map(with_key).collect()
}
