//! `cargo xtask bench`: what is built before something is measured.

use xshell::{Shell, cmd};

use crate::{
    databases::Databases,
    tools::{self, Tool},
    wasm,
};

/// The option that leaves the browser out; all others are read by the benchmark itself.
const WITHOUT_BROWSER: &str = "only=node";

/// Measures all that there is, one after the other.
pub(crate) fn all(shell: &Shell) -> anyhow::Result<()> {
    dispatch(shell, &[])?;
    time(shell, &[])?;
    frontend(shell, &[])
}

/// Compares dispatches of the store with what one would write by hand.
pub(crate) fn dispatch(shell: &Shell, options: &[String]) -> anyhow::Result<()> {
    server(shell, "dispatch", options)
}

/// Measures replay, the time machine and a rebuild.
pub(crate) fn time(shell: &Shell, options: &[String]) -> anyhow::Result<()> {
    server(shell, "time", options)
}

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

/// Runs a benchmark of the server beside fresh databases.
fn server(shell: &Shell, name: &str, options: &[String]) -> anyhow::Result<()> {
    let databases = Databases::start(shell)?;
    let features = ["--features", "mysql,postgres"];
    let run = cmd!(shell, "cargo bench -p flux-server {features...} --bench {name} --");
    Ok(run.args(options).envs(databases.variables()).run()?)
}
