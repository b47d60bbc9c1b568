//! The steps of `cargo xtask test`, cheapest first: what CI runs, and all that it runs.

use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context as _, ensure};
use cargo_metadata::MetadataCommand;
use xshell::{Cmd, Shell, cmd};

use crate::{
    closing_proxy,
    databases::Databases,
    npm, packaging, tidy,
    tools::{self, Tool},
    wasm,
};

/// How long a suite in WebAssembly may take; the runner's own 20 s are short on a busy machine.
const WASM_TEST_TIMEOUT_S: &str = "300";

/// Where the runner looks for what a browser is to be started with.
const CAPABILITIES: &str = "tests/webdriver.json";

/// How many sequences the differential test runs, and the first one: read by the test, see
/// TESTING.md.
const SEQUENCES_VARIABLE: &str = "FLUX_DIFFERENTIAL_SEQUENCES";
const SEED_VARIABLE: &str = "FLUX_DIFFERENTIAL_SEED";
const SEQUENCES: &str = "2000";

/// One named part of what CI runs.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    /// Made sure of before the step runs.
    pub(crate) tools: &'static [Tool],
    pub(crate) run: fn(&Shell) -> anyhow::Result<()>,
}

pub(crate) const STEPS: &[Step] = &[
    Step {
        name: "tools",
        what: "installs the tools that are missing",
        tools: tools::ALL,
        run: |_| Ok(()),
    },
    Step { name: "format", what: "rustfmt has nothing to change", tools: &[], run: format },
    Step {
        name: "tidy",
        what: "house rules that no compiler checks",
        tools: &[],
        run: |shell| tidy::run(shell, false),
    },
    Step {
        name: "lint",
        what: "clippy, natively and for wasm32",
        tools: &[Tool::RustTargets],
        run: lint,
    },
    Step {
        name: "features",
        what: "the server builds with each database alone, and without the service",
        tools: &[],
        run: features,
    },
    Step {
        name: "no-std",
        what: "the reducers build without an operating system",
        tools: &[Tool::RustTargets],
        run: no_std,
    },
    Step {
        name: "documentation",
        what: "rustdoc without a warning",
        tools: &[],
        run: documentation,
    },
    Step {
        name: "dependencies",
        what: "licences, bans and sources",
        tools: &[Tool::CargoDeny],
        run: dependencies,
    },
    Step {
        name: "rust",
        what: "all tests of the workspace, on every database, and the examples in its docs",
        // The databases make sure of theirs: where a server is given, none need be installed.
        tools: &[],
        run: rust,
    },
    Step {
        name: "wasm-node",
        what: "the shared tests in WebAssembly under Node.js",
        tools: &[Tool::RustTargets, Tool::Node, Tool::WasmPack, Tool::WasmBindgen],
        run: wasm_node,
    },
    Step {
        name: "differential",
        what: "random sequences give the same in memory, on every database and in WebAssembly",
        tools: &[Tool::RustTargets, Tool::Node, Tool::WasmPack, Tool::WasmBindgen],
        run: differential,
    },
    Step {
        name: "wasm-browser",
        what: "the shared tests in WebAssembly in Chromium",
        tools: &[Tool::RustTargets, Tool::Chromium, Tool::WasmPack, Tool::WasmBindgen],
        run: wasm_browser,
    },
    Step {
        name: "javascript",
        what: "types, lints and tests of the JavaScript packages",
        tools: wasm::TOOLS,
        run: javascript,
    },
    Step {
        name: "packaging",
        what: "the packages, packed and installed: Vite, webpack, Next.js, Node.js, Deno, script tags",
        tools: &[Tool::RustTargets, Tool::Node, Tool::Chromium, Tool::WasmPack, Tool::WasmBindgen],
        run: packaging::run,
    },
    Step {
        name: "sync",
        what: "pages on the real server, whatever happens in between",
        tools: wasm::TOOLS,
        run: sync,
    },
    Step {
        name: "browser",
        what: "the notes sample, server and page, in Chromium",
        tools: &[Tool::RustTargets, Tool::Node, Tool::Chromium, Tool::WasmPack, Tool::WasmBindgen],
        run: browser,
    },
];

fn format(shell: &Shell) -> anyhow::Result<()> {
    cmd!(shell, "cargo fmt --all --check").run()?;
    Ok(())
}

fn lint(shell: &Shell) -> anyhow::Result<()> {
    cmd!(shell, "cargo clippy --workspace --all-targets --all-features -- -D warnings").run()?;
    cmd!(
        shell,
        "cargo clippy -p flux-reducers -p flux-wasm -p notes-reducers -p notes-wasm --target wasm32-unknown-unknown -- -D warnings"
    )
    .run()?;
    Ok(())
}

fn features(shell: &Shell) -> anyhow::Result<()> {
    for feature in ["mysql", "postgres", "sqlite"] {
        cmd!(
            shell,
            "cargo clippy -p flux-server --lib --no-default-features --features {feature} -- -D warnings"
        )
        .run()?;
    }
    Ok(())
}

fn no_std(shell: &Shell) -> anyhow::Result<()> {
    cmd!(shell, "cargo build -p flux-reducers --no-default-features --target thumbv7em-none-eabi")
        .run()?;
    Ok(())
}

fn documentation(shell: &Shell) -> anyhow::Result<()> {
    cmd!(shell, "cargo doc --workspace --no-deps --all-features")
        .env("RUSTDOCFLAGS", "-D warnings")
        .run()?;
    Ok(())
}

fn dependencies(shell: &Shell) -> anyhow::Result<()> {
    // Not the advisories: their database is fetched from the network, so the same commit could
    // pass today and fail tomorrow, and it fails where only the registries are reachable.
    cmd!(shell, "cargo deny check --hide-inclusion-graph bans licenses sources").run()?;
    Ok(())
}

fn rust(shell: &Shell) -> anyhow::Result<()> {
    let databases = Databases::start(shell)?;
    cmd!(shell, "cargo test --workspace --all-features").envs(databases.variables()).run()?;
    Ok(())
}

fn wasm_node(shell: &Shell) -> anyhow::Result<()> {
    wasm_test(cmd!(shell, "wasm-pack test --mode no-install --node tests --test node"))
}

fn differential(shell: &Shell) -> anyhow::Result<()> {
    // Here, for `--all-targets` leaves out what `cargo test` does not run by itself.
    cmd!(shell, "cargo clippy -p flux-tests --test differential -- -D warnings").run()?;
    cmd!(shell, "wasm-pack build tests/interpreter --mode no-install --target nodejs --out-dir ../../target/interpreter").run()?;
    let databases = Databases::start(shell)?;
    let sequences = shell.var(SEQUENCES_VARIABLE).ok();
    // One alone where the test is told which.
    let count = match shell.var(SEED_VARIABLE) {
        Ok(_) => sequences.unwrap_or_default(),
        Err(_) => sequences.unwrap_or_else(|| SEQUENCES.to_owned()),
    };
    cmd!(shell, "cargo test --profile tested -p flux-tests --test differential -- --nocapture")
        .envs(databases.variables())
        .env(SEQUENCES_VARIABLE, count)
        .run()?;
    Ok(())
}

fn wasm_browser(shell: &Shell) -> anyhow::Result<()> {
    let proxy = closing_proxy::start()?;
    // Chromium asks no proxy for its own machine, unless told.
    let options = format!(
        r#"{{"goog:chromeOptions":{{"args":["--proxy-server={proxy}","--proxy-bypass-list=<-loopback>"]}}}}"#
    );
    shell.write_file(CAPABILITIES, options)?;
    let done = wasm_test(cmd!(
        shell,
        "wasm-pack test --mode no-install --headless --chrome tests --test browser"
    ));
    shell.remove_path(CAPABILITIES)?;
    done
}

/// Runs tests in WebAssembly and makes sure that there were some.
///
/// A suite that is configured for the other host is skipped by the runner, with success.
fn wasm_test(command: Cmd<'_>) -> anyhow::Result<()> {
    println!("$ {command}");
    let command = command.env("WASM_BINDGEN_TEST_TIMEOUT", WASM_TEST_TIMEOUT_S);
    let mut child = Command::from(command).stdout(Stdio::piped()).spawn()?;
    let output = child.stdout.take().context("the output is piped")?;
    let mut passed = false;
    for line in BufReader::new(output).lines() {
        let line = line?;
        println!("{line}");
        passed |= has_passed_tests(&line);
    }
    ensure!(child.wait()?.success(), "a test in WebAssembly failed, see above");
    ensure!(passed, "no test ran: is the suite configured for this host?");
    Ok(())
}

/// Returns whether this is the runner's last line and tells of at least one test.
fn has_passed_tests(line: &str) -> bool {
    line.strip_prefix("test result: ok. ").is_some_and(|counts| !counts.starts_with("0 passed"))
}

fn javascript(shell: &Shell) -> anyhow::Result<()> {
    // The page's types come from the package that wasm-pack writes.
    wasm::build_package(shell)?;
    wasm::check_border(shell)?;
    cmd!(shell, "wasm-pack build tests/products --mode no-install --target web --dev").run()?;
    cmd!(shell, "npm run build -w js").run()?;
    cmd!(shell, "npm run check").run()?;
    cmd!(shell, "npm test").run()?;
    Ok(())
}

fn browser(shell: &Shell) -> anyhow::Result<()> {
    npm::install(shell)?;
    wasm::build_page(shell)?;
    let server = build_server(shell)?;
    cmd!(shell, "npm test -w tests/browser").env("NOTES_SERVER", server).run()?;
    Ok(())
}

fn sync(shell: &Shell) -> anyhow::Result<()> {
    wasm::build_package(shell)?;
    cmd!(shell, "npm run build -w js").run()?;
    let server = build_server(shell)?;
    cmd!(shell, "npm test -w tests/sync").env("NOTES_SERVER", server).run()?;
    Ok(())
}

/// Builds the server of the notes sample, and returns where it is.
fn build_server(shell: &Shell) -> anyhow::Result<PathBuf> {
    cmd!(shell, "cargo build --profile tested -p notes-server").run()?;
    // Not always in the project's own folder: `CARGO_TARGET_DIR` and cargo's settings move it.
    let metadata = MetadataCommand::new().current_dir(shell.current_dir()).no_deps().exec()?;
    Ok(metadata.target_directory.join("tested/notes-server").into())
}

#[cfg(test)]
mod tests;
