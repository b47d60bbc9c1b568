//! Every public item of the libraries shows itself by an example that compiles.

use super::source::Source;

/// The folders whose public items users read about; of `wasm` that is one macro, and the rest is
/// hidden.
const LIBRARIES: &[&str] = &["reducers/src/", "server/src/"];

const ITEMS: &[&str] = &["fn ", "struct ", "enum ", "trait ", "type "];

/// Returns the public items without an example.
pub(super) fn problems(source: &Source) -> Vec<String> {
    if !LIBRARIES.iter().any(|library| source.path.starts_with(library)) {
        return Vec::new();
    }
    let mut problems = Vec::new();
    let mut documentation = String::new();
    let mut is_attribute = false;
    for (number, line) in (1..).zip(source.text.lines()) {
        let line = line.trim();
        is_attribute |= line.starts_with("#[");
        if line.starts_with("///") || is_attribute {
            documentation.push_str(line);
            is_attribute &= !line.ends_with(']');
        } else if is_public_item(line) && lacks_example(&documentation) {
            problems.push(format!(
                "{}:{number}: `{}` has no example; users read the examples first, and doctests \
                 keep them true",
                source.path,
                line.split(['(', '<', '{']).next().unwrap_or(line).trim()
            ));
            documentation.clear();
        } else {
            documentation.clear();
        }
    }
    problems
}

fn is_public_item(line: &str) -> bool {
    let Some(mut item) = line.strip_prefix("pub ") else {
        return false;
    };
    while let Some(rest) = ["const ", "async "].iter().find_map(|word| item.strip_prefix(word)) {
        item = rest;
    }
    ITEMS.iter().any(|kind| item.starts_with(kind))
}

/// What is not for use by hand says so in its documentation, or is hidden.
fn lacks_example(documentation: &str) -> bool {
    !documentation.contains("```") && !documentation.contains("#[doc(hidden)]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> usize {
        problems(&Source::new("server/src/store.rs", text.to_owned())).len()
    }

    #[test]
    fn a_public_function_needs_an_example() {
        assert_eq!(check("/// Rings.\npub const fn ring() {}\n"), 1);
        assert_eq!(
            check("/// Rings.\n/// ```\n/// ring();\n/// ```\n#[must_use]\npub fn ring() {}\n"),
            0
        );
    }

    #[test]
    fn what_is_not_public_needs_none() {
        assert_eq!(
            check("pub(crate) fn ring() {}\nfn rang() {}\n#[doc(hidden)]\npub fn rung() {}\n"),
            0
        );
    }
}
