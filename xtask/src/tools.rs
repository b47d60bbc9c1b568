//! The tools that are not part of Rust and Node: found, or installed, or told how to install.

use std::{env, path::PathBuf};

use anyhow::{Context as _, bail, ensure};
use flux_test_databases::Kind;
use xshell::{Shell, cmd};

/// The version that the project is built with; others are not tried.
const WASM_PACK_VERSION: &str = "0.15.1";

/// The oldest Node.js that the packages of the sample run on: major and minor number.
const NODE_MIN: (u32, u32) = (20, 19);

const RUST_TARGETS: &[&str] = &["wasm32-unknown-unknown", "thumbv7em-none-eabi"];

/// Every tool, in the order of installation.
pub(crate) const ALL: &[Tool] = &[
    Tool::Node,
    Tool::RustTargets,
    Tool::Chromium,
    Tool::Database(Kind::Postgres),
    Tool::Database(Kind::MariaDb),
    Tool::CargoDeny,
    Tool::WasmPack,
    Tool::WasmBindgen,
];

/// Something that a step runs and that neither cargo nor npm brings along.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tool {
    CargoDeny,
    /// The browser and its WebDriver.
    Chromium,
    /// Server and client.
    Database(Kind),
    Node,
    RustTargets,
    /// In the version of the library in Cargo.lock: the two must be equal.
    WasmBindgen,
    WasmPack,
}

/// Makes sure of these tools.
///
/// # Errors
/// When one is missing and cannot be installed; the message says what to type.
pub(crate) fn ensure(shell: &Shell, tools: &[Tool]) -> anyhow::Result<()> {
    tools.iter().try_for_each(|tool| match tool {
        Tool::CargoDeny => ensure_cargo_deny(shell),
        Tool::Chromium => ensure_chromium(shell),
        Tool::Database(kind) => ensure_database(shell, *kind),
        Tool::Node => ensure_node(shell),
        Tool::RustTargets => ensure_rust_targets(shell),
        Tool::WasmBindgen => ensure_wasm_bindgen(shell),
        Tool::WasmPack => ensure_wasm_pack(shell),
    })
}

/// Returns where a program is on the PATH.
pub(crate) fn find(shell: &Shell, program: &str) -> Option<PathBuf> {
    let path = shell.var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

fn ensure_node(shell: &Shell) -> anyhow::Result<()> {
    const CURE: &str =
        "install Node.js 20.19 or newer, with npm, from https://nodejs.org or your distribution";
    let version = cmd!(shell, "node --version").quiet().read().context(CURE)?;
    let found =
        major_and_minor(&version).with_context(|| format!("`node --version` says {version}"))?;
    ensure!(found >= NODE_MIN, "Node.js {version} is too old: {CURE}");
    ensure!(find(shell, "npm").is_some(), "npm is missing: {CURE}");
    Ok(())
}

/// Returns (20, 11) for `v20.11.1`.
fn major_and_minor(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.trim().trim_start_matches('v').split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn ensure_rust_targets(shell: &Shell) -> anyhow::Result<()> {
    let installed = cmd!(shell, "rustup target list --installed")
        .quiet()
        .read()
        .context("install Rust with rustup (https://rustup.rs): the targets without an operating system come from it")?;
    for target in RUST_TARGETS {
        if !installed.lines().any(|line| line == *target) {
            cmd!(shell, "rustup target add {target}").run()?;
        }
    }
    Ok(())
}

fn ensure_cargo_deny(shell: &Shell) -> anyhow::Result<()> {
    match installed_version(shell, "cargo-deny") {
        Some(_) => Ok(()),
        None => cargo_install(shell, &["cargo-deny", "--locked"]),
    }
}

fn ensure_wasm_pack(shell: &Shell) -> anyhow::Result<()> {
    if installed_version(shell, "wasm-pack").as_deref() == Some(WASM_PACK_VERSION) {
        return Ok(());
    }
    cargo_install(shell, &["wasm-pack", "--version", WASM_PACK_VERSION, "--locked"])
}

fn ensure_wasm_bindgen(shell: &Shell) -> anyhow::Result<()> {
    let lock_file = shell.read_file("Cargo.lock").context("run `cargo generate-lockfile`")?;
    let version = locked_version(&lock_file, "wasm-bindgen")?;
    if installed_version(shell, "wasm-bindgen").as_ref() == Some(&version) {
        return Ok(());
    }
    // Not --locked: only its own version has to match, what it is built from may be newer.
    cargo_install(shell, &["wasm-bindgen-cli", "--version", &format!("={version}")])
}

/// Returns the version of a package in the text of a Cargo.lock.
fn locked_version(lock_file: &str, package: &str) -> anyhow::Result<String> {
    let lock_file: toml::Table = lock_file.parse().context("Cargo.lock is not TOML")?;
    let packages = lock_file.get("package").and_then(toml::Value::as_array);
    packages
        .into_iter()
        .flatten()
        .find(|entry| entry.get("name").and_then(toml::Value::as_str) == Some(package))
        .and_then(|entry| entry.get("version")?.as_str())
        .map(str::to_owned)
        .with_context(|| {
            format!("Cargo.lock has no {package}: no package of the workspace uses it")
        })
}

/// Returns the version that a program on the PATH tells of itself.
fn installed_version(shell: &Shell, program: &str) -> Option<String> {
    find(shell, program)?;
    let said = cmd!(shell, "{program} --version").quiet().ignore_stderr().read().ok()?;
    said.split_whitespace().nth(1).map(str::to_owned)
}

fn cargo_install(shell: &Shell, arguments: &[&str]) -> anyhow::Result<()> {
    // One target folder for all: what the tools have in common is compiled once.
    cmd!(shell, "cargo install {arguments...}")
        .env("CARGO_TARGET_DIR", shell.current_dir().join("target/tools"))
        .run()?;
    Ok(())
}

fn ensure_chromium(shell: &Shell) -> anyhow::Result<()> {
    if find(shell, "chromium").is_some() && find(shell, "chromedriver").is_some() {
        return Ok(());
    }
    apt_install(
        shell,
        &["chromium", "chromium-driver"],
        "the browser tests need `chromium` and `chromedriver` on the PATH, in the same version",
    )
}

fn ensure_database(shell: &Shell, kind: Kind) -> anyhow::Result<()> {
    if kind.is_installed() {
        return Ok(());
    }
    let (package, variable) = match kind {
        Kind::MariaDb => ("mariadb-server", "TEST_MYSQL_URL"),
        Kind::Postgres => ("postgresql", "TEST_POSTGRES_URL"),
    };
    let need = format!("the tests need {}, or a server at {variable}", kind.needs());
    apt_install(shell, &[package], &need)
}

/// Installs packages of Debian where that asks no password, or fails with what to do.
fn apt_install(shell: &Shell, packages: &[&str], need: &str) -> anyhow::Result<()> {
    let has_sudo = || cmd!(shell, "sudo -n true").quiet().ignore_stderr().run().is_ok();
    ensure!(find(shell, "apt-get").is_some(), "{need}: install what is missing");
    let program = match () {
        () if is_root(shell)? => "env",
        () if has_sudo() => "sudo",
        () => bail!(
            "{need}; type:\n  sudo apt-get update && sudo apt-get install --no-install-recommends {}",
            packages.join(" ")
        ),
    };
    // Both take the setting of the environment before the command itself.
    let apt_get = ["DEBIAN_FRONTEND=noninteractive", "apt-get"];
    cmd!(shell, "{program} {apt_get...} update").run()?;
    cmd!(shell, "{program} {apt_get...} install --yes --no-install-recommends {packages...}")
        .run()?;
    Ok(())
}

/// Returns whether everything is allowed.
fn is_root(shell: &Shell) -> anyhow::Result<bool> {
    Ok(cmd!(shell, "id -u").quiet().read()? == "0")
}

#[cfg(test)]
mod tests;
