//! Rules about one file: its size, its name, its first line, and what its tests may not do.

use super::source::{Source, functions, line_at};

const FILE_LINES_MAX: usize = 700;
const FUNCTION_LINES_MAX: usize = 70;
const LIB_CODE_LINES_MAX: usize = 60;

/// Names that say nothing of what is inside, so anything ends up there.
const EMPTY_NAMES: &[&str] = &["base", "common", "helper", "helpers", "manager", "util", "utils"];

/// Code that may be nowhere, and why.
const FORBIDDEN: &[(&str, &str)] = &[
    ("#[ignore", "a test that does not run proves nothing: mend it or delete it"),
    ("todo!(", "what is not written yet is not committed"),
    ("unimplemented!(", "what is not written yet is not committed"),
];

/// Code that may not be in tests, and why.
const FORBIDDEN_IN_TESTS: &[(&str, &str)] = &[
    ("thread::sleep(", SLEEP),
    ("time::sleep(", SLEEP),
    (" sleep(", SLEEP),
    ("waitForTimeout(", SLEEP),
    ("setTimeout(resolve", SLEEP),
];

/// In Rust, `skip` is what iterators do.
const FORBIDDEN_IN_JAVASCRIPT_TESTS: &[(&str, &str)] = &[
    (".only(", "it silently leaves out all other tests"),
    (".skip(", "a test that does not run proves nothing: mend it or delete it"),
];

const SLEEP: &str =
    "a sleeping test is slow when it passes and fails on a busy machine: wait for the event itself";

/// Returns what one file does against the rules.
pub(crate) fn problems(source: &Source) -> Vec<String> {
    let mut problems = Vec::new();
    let path = &source.path;
    let line_count = source.text.lines().count();
    if line_count > FILE_LINES_MAX {
        problems.push(format!(
            "{path}: {line_count} lines, at most {FILE_LINES_MAX}; a file holds one idea that can be read in one sitting"
        ));
    }
    if source.is_rust() && !source.is_test() && !source.text.starts_with("//!") {
        problems.push(format!("{path}:1: must start with a `//!` line; a reader should learn at once what the file is for"));
    }
    let lib_lines = source.code.lines().filter(|line| !line.trim().is_empty()).count();
    if path.ends_with("lib.rs") && lib_lines > LIB_CODE_LINES_MAX {
        problems.push(format!(
            "{path}: {lib_lines} lines of code, at most {LIB_CODE_LINES_MAX}; it is the crate's map: move the code to a module"
        ));
    }
    for code in [&source.code, &source.test_code] {
        problems.extend(long_functions(path, code));
        problems.extend(forbidden(path, code, FORBIDDEN));
    }
    problems.extend(forbidden(path, &source.test_code, FORBIDDEN_IN_TESTS));
    if !source.is_rust() {
        problems.extend(forbidden(path, &source.test_code, FORBIDDEN_IN_JAVASCRIPT_TESTS));
    }
    for name in EMPTY_NAMES {
        problems.extend(forbidden(
            path,
            &source.code,
            &[(&format!("mod {name} {{"), NAMED_FOR_NOTHING)],
        ));
    }
    problems
}

const NAMED_FOR_NOTHING: &str =
    "such a name says nothing of what is inside: name it for its one idea";

/// Returns the files and folders that are named for nothing.
pub(crate) fn forbidden_names(paths: &[String]) -> Vec<String> {
    let is_empty_name = |part: &str| EMPTY_NAMES.contains(&part.split('.').next().unwrap_or(part));
    let named_for_nothing = paths.iter().filter(|path| path.split('/').any(is_empty_name));
    named_for_nothing.map(|path| format!("{path}: {NAMED_FOR_NOTHING}")).collect()
}

fn long_functions(path: &str, code: &str) -> Vec<String> {
    let long =
        functions(code).into_iter().filter(|function| function.line_count > FUNCTION_LINES_MAX);
    long.map(|function| {
        format!(
            "{path}:{}: a function of {} lines, at most {FUNCTION_LINES_MAX}; it should fit on one screen: split off its pure parts",
            function.line, function.line_count
        )
    })
    .collect()
}

fn forbidden(path: &str, code: &str, patterns: &[(&str, &str)]) -> Vec<String> {
    let found = patterns.iter().flat_map(|(pattern, reason)| {
        code.match_indices(pattern).map(move |(at, _)| (line_at(code, at), pattern.trim(), *reason))
    });
    found.map(|(line, pattern, reason)| format!("{path}:{line}: `{pattern}`; {reason}")).collect()
}
