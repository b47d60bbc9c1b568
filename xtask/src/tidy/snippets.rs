//! The pieces of the notes sample that the documentation shows: short as promised, and verbatim.
//!
//! In a source, `// ANCHOR: name` and `// ANCHOR_END: name` mark a piece. In a Markdown file,
//! `<!-- snippet: path#name -->` and `<!-- /snippet -->` mark where it is shown, in a code fence.

use super::source::Source;

const SAMPLE: &str = "examples/notes/";
const README: &str = "README.md";
const SNIPPET_START: &str = "<!-- snippet: ";
const SNIPPET_END: &str = "<!-- /snippet -->";

/// A piece of the sample whose shortness is what the project promises.
struct Promise {
    anchor: &'static str,
    lines_max: usize,
    what: &'static str,
}

const PROMISES: &[Promise] = &[
    Promise { anchor: "model", lines_max: 40, what: "the data model" },
    Promise { anchor: "reducer", lines_max: 40, what: "the reducers" },
    Promise { anchor: "store", lines_max: 20, what: "the set-up of the store" },
    Promise { anchor: "websocket", lines_max: 20, what: "the push over WebSocket" },
    Promise { anchor: "reuse", lines_max: 10, what: "the reuse of the reducers in the frontend" },
];

/// Returns promises that are not kept and snippets that are not what the source says.
pub(crate) fn problems(pages: &[Source], sources: &[Source]) -> Vec<String> {
    let mut problems: Vec<String> =
        pages.iter().flat_map(|page| refresh(page, sources).1).collect();
    for promise in PROMISES {
        problems.extend(broken_promise(promise, sources));
        let is_shown =
            |line: &str| snippet_of(line).is_some_and(|(_, anchor)| anchor == promise.anchor);
        if !pages.iter().any(|page| page.path == README && page.text.lines().any(is_shown)) {
            problems.push(format!(
                "{README}: shows no snippet `{}`; a newcomer judges the project by {}",
                promise.anchor, promise.what
            ));
        }
    }
    problems
}

fn broken_promise(promise: &Promise, sources: &[Source]) -> Option<String> {
    let Promise { anchor: name, lines_max, what } = promise;
    let marked: Vec<&Source> = sources
        .iter()
        .filter(|source| {
            source.path.starts_with(SAMPLE)
                && marker_lines(&source.text, "ANCHOR", name).next().is_some()
        })
        .collect();
    let [source] = marked[..] else {
        return Some(format!(
            "{SAMPLE}: `// ANCHOR: {name}` is in {} files, not in one; it marks {what}, promised in at most {lines_max} lines",
            marked.len()
        ));
    };
    let count = anchored(source, name).ok()?.iter().filter(|line| !line.trim().is_empty()).count();
    (count > *lines_max).then(|| {
        format!("{}: {count} lines at `{name}`, at most {lines_max}; we promise {what} to be that short", source.path)
    })
}

/// Returns the page with every snippet as its source has it, and what was different or missing.
pub(crate) fn refresh(page: &Source, sources: &[Source]) -> (String, Vec<String>) {
    let lines: Vec<&str> = page.text.lines().collect();
    let (mut refreshed, mut problems) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < lines.len() {
        refreshed.push(lines[at].to_owned());
        at += 1;
        let Some((path, name)) = snippet_of(lines[at - 1]) else { continue };
        let Some(length) = lines[at..].iter().position(|line| line.trim() == SNIPPET_END) else {
            problems.push(format!("{}:{at}: `{path}#{name}` has no `{SNIPPET_END}`", page.path));
            continue;
        };
        let shown = &lines[at..at + length];
        let piece = sources
            .iter()
            .find(|source| source.path == path)
            .ok_or_else(|| format!("{path} is not a tracked source"))
            .and_then(|source| anchored(source, name));
        match piece {
            Ok(piece) => {
                let wanted = fenced(path, shown, &piece);
                if wanted != shown {
                    problems.push(format!(
                        "{}:{at}: the snippet is not what {path}#{name} says; run `cargo xtask tidy --fix`",
                        page.path
                    ));
                }
                refreshed.extend(wanted);
            }
            Err(problem) => {
                problems.push(format!("{}:{at}: {problem}", page.path));
                refreshed.extend(shown.iter().map(|line| (*line).to_owned()));
            }
        }
        at += length;
    }
    let end = if page.text.ends_with('\n') { "\n" } else { "" };
    (refreshed.join("\n") + end, problems)
}

/// Reads `<!-- snippet: path#name -->`.
fn snippet_of(line: &str) -> Option<(&str, &str)> {
    line.trim().strip_prefix(SNIPPET_START)?.strip_suffix("-->")?.trim().split_once('#')
}

/// Returns the piece in a code fence; the fence's own words (`rust,ignore`) stay as they are.
fn fenced(path: &str, shown: &[&str], piece: &[String]) -> Vec<String> {
    let fence = if piece.iter().any(|line| line.contains("```")) { "````" } else { "```" };
    let language = match path.rsplit_once('.') {
        Some((_, "rs")) => "rust",
        Some((_, ending)) => ending,
        None => "",
    };
    let words = shown
        .first()
        .filter(|line| line.starts_with("```"))
        .map(|line| line.trim_start_matches('`'));
    let head = format!("{fence}{}", words.unwrap_or(language));
    [head].into_iter().chain(piece.iter().cloned()).chain([fence.to_owned()]).collect()
}

/// Returns the lines between the marks of an anchor, without other marks and common indentation.
pub(crate) fn anchored(source: &Source, name: &str) -> Result<Vec<String>, String> {
    let start: Vec<usize> = marker_lines(&source.text, "ANCHOR", name).collect();
    let end: Vec<usize> = marker_lines(&source.text, "ANCHOR_END", name).collect();
    let (&[start], &[end]) = (&start[..], &end[..]) else {
        return Err(format!(
            "{} has `// ANCHOR: {name}` {} times and `// ANCHOR_END: {name}` {} times, each should be there once",
            source.path,
            start.len(),
            end.len()
        ));
    };
    if end < start {
        return Err(format!("{}:{}: `{name}` ends before it starts", source.path, end + 1));
    }
    let lines = || source.text.lines().take(end).skip(start + 1).filter(|line| !is_marker(line));
    let is_indented = |line: &&str| !line.trim().is_empty();
    let indentation = lines()
        .filter(is_indented)
        .map(|line| line.len() - line.trim_start().len())
        .min()
        .unwrap_or(0);
    Ok(lines()
        .map(|line| line.get(indentation..).unwrap_or_default().trim_end().to_owned())
        .collect())
}

fn is_marker(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("// ANCHOR: ") || line.starts_with("// ANCHOR_END: ")
}

/// Returns the indexes of the lines with this mark.
fn marker_lines(text: &str, mark: &str, name: &str) -> impl Iterator<Item = usize> {
    let marker = format!("// {mark}: {name}");
    text.lines().enumerate().filter(move |(_, line)| line.trim() == marker).map(|(index, _)| index)
}
