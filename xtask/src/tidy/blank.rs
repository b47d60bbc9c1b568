//! Source text without its comments and literals, so that a search finds code and nothing else.

/// The two grammars that the project is written in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Language {
    Rust,
    JavaScript,
}

/// Returns the text with the contents of comments, strings and characters turned into spaces.
///
/// Line breaks stay, so a line keeps its number.
pub(crate) fn blank(text: &str, language: Language) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut blanked = characters.clone();
    let mut at = 0;
    while at < characters.len() {
        let end = match language {
            Language::Rust => rust_token_end(&characters, at),
            Language::JavaScript => javascript_token_end(&characters, at),
        };
        match end {
            Some(end) => {
                for character in &mut blanked[at..end] {
                    if *character != '\n' {
                        *character = ' ';
                    }
                }
                at = end;
            }
            None => at += 1,
        }
    }
    blanked.into_iter().collect()
}

/// Returns where the comment or literal that starts here ends.
fn rust_token_end(text: &[char], at: usize) -> Option<usize> {
    match text[at] {
        '/' => comment_end(text, at, true),
        '"' => Some(quoted_end(text, at, false)),
        '\'' => is_character(text, at).then(|| quoted_end(text, at, true)),
        'r' => raw_string_end(text, at),
        _ => None,
    }
}

/// Tells `'a'` and `'\n'` from the lifetime `'a`.
fn is_character(text: &[char], at: usize) -> bool {
    text.get(at + 1) == Some(&'\\') || text.get(at + 2) == Some(&'\'')
}

fn raw_string_end(text: &[char], at: usize) -> Option<usize> {
    let hashes = text[at + 1..].iter().take_while(|character| **character == '#').count();
    let quote = at + 1 + hashes;
    let continues_a_word = at > 0 && is_word(text[at - 1]) && !matches!(text[at - 1], 'b' | 'c');
    if text.get(quote) != Some(&'"') || continues_a_word {
        return None;
    }
    let mut closing = vec!['"'];
    closing.resize(1 + hashes, '#');
    Some(position_of(text, quote + 1, &closing).map_or(text.len(), |found| found + closing.len()))
}

fn javascript_token_end(text: &[char], at: usize) -> Option<usize> {
    match text[at] {
        '/' => comment_end(text, at, false).or_else(|| regular_expression_end(text, at)),
        '"' | '\'' => Some(quoted_end(text, at, true)),
        '`' => Some(quoted_end(text, at, false)),
        _ => None,
    }
}

/// Takes a slash for a regular expression where no operand precedes that it could divide.
fn regular_expression_end(text: &[char], at: usize) -> Option<usize> {
    let before = text[..at].iter().rev().find(|character| !matches!(character, ' ' | '\n'));
    let starts = before.is_none_or(|character| "(,=:[!&|?{;".contains(*character));
    starts.then(|| quoted_end(text, at, true))
}

/// Block comments nest in Rust and do not in JavaScript.
fn comment_end(text: &[char], at: usize, nests: bool) -> Option<usize> {
    match text.get(at + 1)? {
        '/' => Some(position_of(text, at, &['\n']).unwrap_or(text.len())),
        '*' => {
            let mut depth = 0;
            let mut next = at;
            while next < text.len() {
                if text[next..].starts_with(&['*', '/']) {
                    depth -= 1;
                    next += 2;
                    if depth == 0 {
                        return Some(next);
                    }
                } else if text[next..].starts_with(&['/', '*']) && (nests || depth == 0) {
                    depth += 1;
                    next += 2;
                } else {
                    next += 1;
                }
            }
            Some(text.len())
        }
        _ => None,
    }
}

/// Ends at the same quote; with `one_line` at the line's end too: an apostrophe in JSX text.
fn quoted_end(text: &[char], at: usize, one_line: bool) -> usize {
    let mut next = at + 1;
    while next < text.len() {
        match text[next] {
            '\\' => next += 2,
            '\n' if one_line => return next,
            character if character == text[at] => return next + 1,
            _ => next += 1,
        }
    }
    text.len()
}

fn position_of(text: &[char], from: usize, wanted: &[char]) -> Option<usize> {
    text[from..].windows(wanted.len()).position(|window| window == wanted).map(|found| from + found)
}

/// Returns whether the character may be part of a name.
pub(crate) fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}
