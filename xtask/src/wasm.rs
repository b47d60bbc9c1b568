//! The WebAssembly package of the notes sample and the web page on top of it.

use xshell::{Shell, cmd};

use crate::{npm, tools::Tool};

/// The tools that [`build_page`] needs.
pub(crate) const TOOLS: &[Tool] =
    &[Tool::RustTargets, Tool::Node, Tool::WasmPack, Tool::WasmBindgen];

/// Builds the reducers of the notes sample into an npm package for the browser.
pub(crate) fn build_package(shell: &Shell) -> anyhow::Result<()> {
    // First, for wasm-opt comes from npm: what wasm-pack would download itself is not optimised.
    npm::install(shell)?;
    anyhow::ensure!(
        shell.path_exists("node_modules/.bin/wasm-opt"),
        "wasm-opt is missing: the root package.json must have \"binaryen\" among its devDependencies"
    );
    // no-install: a tool that does not fit is an error of `tools`, not a download in passing.
    cmd!(shell, "wasm-pack build examples/notes/wasm --mode no-install --target web --out-dir pkg-web --profile wasm").run()?;
    Ok(())
}

/// Where the scripts of the border are one, as the crate has it.
const BORDER: &str = "wasm/src/border.min.js";

/// Makes sure that the one script of the border is that of its sources.
pub(crate) fn check_border(shell: &Shell) -> anyhow::Result<()> {
    let folder = shell.current_dir().join("target/border");
    cmd!(shell, "npm run border -- --outDir {folder}").run()?;
    let made = shell.read_file(folder.join("border.min.js"))?;
    anyhow::ensure!(
        made == shell.read_file(BORDER)?,
        "{BORDER} is not made of wasm/src/border as it is: `npm run border`, and commit both"
    );
    Ok(())
}

/// Builds the web page of the notes sample into examples/notes/web/dist.
pub(crate) fn build_page(shell: &Shell) -> anyhow::Result<()> {
    build_package(shell)?;
    cmd!(shell, "npm run build -w js").run()?;
    cmd!(shell, "npm run build -w examples/notes/web").run()?;
    Ok(())
}
