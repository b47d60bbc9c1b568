//! `cargo xtask bench`: what is built before something is measured.

use xshell::{Shell, cmd};

use crate::{
    tools::{self, Tool},
    wasm,
};

/// The option that leaves the browser out; all others are read by the benchmark itself.
const WITHOUT_BROWSER: &str = "only=node";

/// Compares the reducer of the notes sample, as it is published, with others.
pub(crate) fn frontend(shell: &Shell, options: &[String]) -> anyhow::Result<()> {
    tools::ensure(shell, wasm::TOOLS)?;
    if !options.iter().any(|option| option == WITHOUT_BROWSER) {
        tools::ensure(shell, &[Tool::Chromium])?;
    }
    wasm::build_package(shell)?;
    cmd!(shell, "npm run build -w js").run()?;
    cmd!(shell, "npm run build -w benchmarks").run()?;
    cmd!(shell, "node --expose-gc benchmarks/dist/node/main.js {options...}").run()?;
    Ok(())
}
