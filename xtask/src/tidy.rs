//! `cargo xtask tidy`: the house rules that no compiler checks, each with its reason.

mod blank;
mod examples;
mod layout;
mod snippets;
mod source;
mod workspace;

use anyhow::bail;
use xshell::{Shell, cmd};

use self::source::Source;

/// Checks every rule on the files that git tracks; with `fix`, rewrites the snippets first.
///
/// # Errors
/// Lists every violation as `path:line: what; why`.
pub(crate) fn run(shell: &Shell, fix: bool) -> anyhow::Result<()> {
    let paths = tracked_paths(shell)?;
    let sources = read(shell, paths.iter().filter(|path| source::is_source(path)))?;
    let mut pages = read(shell, paths.iter().filter(|path| path.ends_with(".md")))?;
    if fix {
        for page in &mut pages {
            let (refreshed, _) = snippets::refresh(page, &sources);
            if refreshed != page.text {
                shell.write_file(&page.path, &refreshed)?;
                page.text = refreshed;
            }
        }
    }

    let mut problems: Vec<String> = sources.iter().flat_map(layout::problems).collect();
    problems.extend(sources.iter().flat_map(examples::problems));
    problems.extend(layout::forbidden_names(&paths));
    problems.extend(snippets::problems(&pages, &sources));
    problems.extend(workspace::problems(shell)?);
    if problems.is_empty() {
        println!(
            "tidy: {} sources and {} pages follow the house rules",
            sources.len(),
            pages.len()
        );
        return Ok(());
    }
    bail!("{} violations of the house rules:\n{}", problems.len(), problems.join("\n"))
}

/// Returns the files that git tracks and that are still there.
fn tracked_paths(shell: &Shell) -> anyhow::Result<Vec<String>> {
    let listing = cmd!(shell, "git ls-files -z").quiet().read()?;
    Ok(listing
        .split_terminator('\0')
        .filter(|path| shell.path_exists(path))
        .map(str::to_owned)
        .collect())
}

fn read<'a>(shell: &Shell, paths: impl Iterator<Item = &'a String>) -> anyhow::Result<Vec<Source>> {
    paths.map(|path| Ok(Source::new(path, shell.read_file(path)?))).collect()
}

#[cfg(test)]
mod tests;
