//! A tracked file, and what the rules ask about its code.

use std::path::Path;

use super::blank::{Language, blank, is_word};

/// A file, its text and its code.
pub(crate) struct Source {
    /// From the project's folder, with slashes.
    pub(crate) path: String,
    pub(crate) text: String,
    /// The text with comments and literals blanked, without the parts under `#[cfg(test)]`.
    pub(crate) code: String,
    /// What `code` leaves out; in a test file all code.
    pub(crate) test_code: String,
}

/// A function and the lines from its head to its closing brace.
#[derive(Debug, PartialEq)]
pub(crate) struct Function {
    pub(crate) line: usize,
    pub(crate) line_count: usize,
}

impl Source {
    pub(crate) fn new(path: &str, text: String) -> Self {
        let code = language(path).map_or_else(|| text.clone(), |language| blank(&text, language));
        let (code, test_code) =
            if is_test(path) { (String::new(), code) } else { split_tests(&code) };
        Self { path: path.to_owned(), text, code, test_code }
    }

    pub(crate) fn is_rust(&self) -> bool {
        language(&self.path) == Some(Language::Rust)
    }

    pub(crate) fn is_test(&self) -> bool {
        is_test(&self.path)
    }
}

/// Returns whether the rules are about this file.
pub(crate) fn is_source(path: &str) -> bool {
    language(path).is_some()
        || [".css", ".html", ".sql"].iter().any(|ending| path.ends_with(ending))
}

fn language(path: &str) -> Option<Language> {
    match Path::new(path).extension()?.to_str()? {
        "rs" => Some(Language::Rust),
        "ts" | "tsx" | "js" | "jsx" | "mjs" | "cjs" => Some(Language::JavaScript),
        _ => None,
    }
}

/// Tests are what lies in a folder of tests, `tests.rs`, and `name.test.ts` and the like.
fn is_test(path: &str) -> bool {
    let mut parts = path.split('/').rev();
    let file = parts.next().unwrap_or_default();
    file == "tests.rs"
        || [".test.", ".test-d.", ".spec."].iter().any(|mark| file.contains(mark))
        || parts.any(|folder| matches!(folder, "test" | "tests"))
}

/// Splits code into what is compiled into the product and what only into its tests.
fn split_tests(code: &str) -> (String, String) {
    const MARK: &str = "#[cfg(test)]";
    let mut product = String::new();
    let mut tests = String::new();
    let mut rest = code;
    while let Some(start) = rest.find(MARK) {
        let item = &rest[start..];
        let (product_part, test_part) =
            (&rest[..start], &item[..MARK.len() + item_length(&item[MARK.len()..])]);
        product.push_str(product_part);
        product.push_str(&only_line_breaks(test_part));
        tests.push_str(&only_line_breaks(product_part));
        tests.push_str(test_part);
        rest = &item[test_part.len()..];
    }
    product.push_str(rest);
    (product, tests)
}

fn only_line_breaks(text: &str) -> String {
    text.chars().filter(|character| *character == '\n').collect()
}

/// Returns the bytes of an item up to its closing brace or semicolon.
fn item_length(code: &str) -> usize {
    let (mut parentheses, mut braces) = (0_usize, 0_usize);
    for (at, character) in code.char_indices() {
        match character {
            '(' | '[' => parentheses += 1,
            ')' | ']' => parentheses = parentheses.saturating_sub(1),
            '{' => braces += 1,
            '}' => {
                braces = braces.saturating_sub(1);
                // A brace inside parentheses closes a pattern or a default, not the item.
                if braces == 0 && parentheses == 0 {
                    return at + 1;
                }
            }
            ';' if braces == 0 && parentheses == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

/// Returns the functions in the code: `fn name` in Rust, `function name` in JavaScript.
pub(crate) fn functions(code: &str) -> Vec<Function> {
    let heads = ["fn ", "function "].into_iter().flat_map(|keyword| {
        code.match_indices(keyword).filter(move |(at, _)| {
            !code[..*at].ends_with(is_word) && code[at + keyword.len()..].starts_with(is_word)
        })
    });
    heads
        .map(|(at, _)| Function {
            line: line_at(code, at),
            line_count: code[at..at + item_length(&code[at..])].lines().count(),
        })
        .collect()
}

/// Returns the number, from 1, of the line that has this byte.
pub(crate) fn line_at(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}
