//! What stands behind `--` of a benchmark, and the databases that it measures.

/// The databases, and the variable that names the URL of each; SQLite's is a file of one's own.
pub(crate) const DATABASES: [(&str, Option<&str>); 3] =
    [("sqlite", None), ("postgres", Some("TEST_POSTGRES_URL")), ("mysql", Some("TEST_MYSQL_URL"))];

/// Returns what was given for a name, as in `only=postgres`.
pub(crate) fn given(name: &str) -> Option<String> {
    let argument = |it: String| it.strip_prefix(name)?.strip_prefix('=').map(str::to_owned);
    std::env::args().find_map(argument)
}

/// Returns the numbers that were given for a name, as in `callers=1,64`.
pub(crate) fn numbers(name: &str, unless_told: &str) -> Vec<usize> {
    let text = given(name).unwrap_or_else(|| unless_told.to_owned());
    text.split(',').map(|number| number.parse().unwrap()).collect()
}
