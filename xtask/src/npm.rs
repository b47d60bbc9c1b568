//! The JavaScript packages: installed from the lock file, once.

use std::fs;

use xshell::{Shell, cmd};

/// Installs the packages of package-lock.json, unless they already are.
///
/// `npm ci` empties node_modules first, so it is not repeated while nothing changed.
pub(crate) fn install(shell: &Shell) -> anyhow::Result<()> {
    if is_fresh(shell) {
        return Ok(());
    }
    // Debian's Chromium is used; Playwright need not fetch one of its own.
    cmd!(shell, "npm ci --no-audit --no-fund")
        .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")
        .run()?;
    Ok(())
}

/// Installs the packages of the package-lock.json in a folder, as [`install`] does.
pub(crate) fn install_in(shell: &Shell, folder: &str) -> anyhow::Result<()> {
    let _returns_at_the_end = shell.push_dir(folder);
    install(shell)
}

/// Returns whether npm's own copy of the lock file is at least as new as ours.
fn is_fresh(shell: &Shell) -> bool {
    let modified = |path: &str| {
        fs::metadata(shell.current_dir().join(path)).and_then(|metadata| metadata.modified())
    };
    match (modified("node_modules/.package-lock.json"), modified("package-lock.json")) {
        (Ok(installed), Ok(wanted)) => installed >= wanted,
        _ => false,
    }
}
