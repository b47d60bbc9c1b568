//! What stands behind `--` of a benchmark, and the databases that it measures.

use std::process::Command;

/// The databases, and the variable that names the URL of each; SQLite's is a file of one's own.
pub(crate) const DATABASES: [(&str, Option<&str>); 3] =
    [("sqlite", None), ("postgres", Some("TEST_POSTGRES_URL")), ("mysql", Some("TEST_MYSQL_URL"))];

/// Returns what was given first for a name, as in `only=postgres`.
pub(crate) fn given(name: &str) -> Option<String> {
    let argument = |it: String| it.strip_prefix(name)?.strip_prefix('=').map(str::to_owned);
    std::env::args().find_map(argument)
}

/// Returns the numbers that were given for a name, as in `callers=1,64`.
pub(crate) fn numbers(name: &str, unless_told: &str) -> Vec<usize> {
    let text = given(name).unwrap_or_else(|| unless_told.to_owned());
    text.split(',').map(|number| number.parse().unwrap()).collect()
}

/// Runs this program for a part of what it measures: the memory that a process had at most is so
/// that of nothing else. What was given to this one is given again; what is said here counts first.
pub(crate) fn run_part(part: &str, values: &[(&str, &str)]) {
    let values = values.iter().map(|(name, value)| format!("{name}={value}"));
    let done = Command::new(std::env::current_exe().unwrap())
        .arg(format!("part={part}"))
        .args(values)
        .args(std::env::args().skip(1))
        .status();
    assert!(done.unwrap().success(), "{part} failed");
}
