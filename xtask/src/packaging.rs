//! The npm packages as users get them: packed, installed into a small project, compiled, run.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use xshell::{Shell, cmd};

use crate::{npm, wasm};

const PROJECTS: &str = "js/packaging";
const BUILT: &str = "target/packaging";

/// Where nobody listens: what is sent there fails at once.
const NO_PROXY: &str = "http://127.0.0.1:9";

/// Tries the package of the notes sample for each target of wasm-pack, each in another profile.
pub(crate) fn run(shell: &Shell) -> anyhow::Result<()> {
    npm::install(shell)?;
    shell.remove_path(BUILT)?;
    shell.create_dir(BUILT)?;
    cmd!(shell, "npm run build -w js").run()?;
    let client = pack(shell, "js", "client")?;

    build_for_bundlers(shell)?;
    let project = install(shell, "bundler", "examples/notes/wasm/pkg", &client)?;
    in_project(shell, &project, |shell| {
        cmd!(shell, "vite build --logLevel warn").run()?;
        cmd!(shell, "node bundle/main.js").run()
    })?;

    wasm::build_package(shell)?;
    let project = install(shell, "web", "examples/notes/wasm/pkg-web", &client)?;
    in_project(shell, &project, |shell| cmd!(shell, "node dist/main.js").run())?;

    // --dev, for its package is linked in another way than that of the other profiles.
    cmd!(shell, "wasm-pack build examples/notes/wasm --mode no-install --target nodejs --out-dir pkg-nodejs --dev").run()?;
    let project = install(shell, "nodejs", "examples/notes/wasm/pkg-nodejs", &client)?;
    in_project(shell, &project, |shell| {
        cmd!(shell, "node dist/main.js").run()?;
        cmd!(shell, "node dist/require.cjs").run()
    })
}

/// Types what the documentation says, on a machine without wasm-opt and without a network.
fn build_for_bundlers(shell: &Shell) -> anyhow::Result<()> {
    let wasm_opt = shell.current_dir().join("node_modules/.bin");
    let path = shell.var_os("PATH").context("there is no PATH")?;
    let path = std::env::split_paths(&path).filter(|folder| *folder != wasm_opt);
    cmd!(shell, "wasm-pack build examples/notes/wasm")
        .env("PATH", std::env::join_paths(path)?)
        .env("WASM_PACK_CACHE", shell.current_dir().join(BUILT).join("cache"))
        .envs(["http_proxy", "https_proxy", "HTTPS_PROXY"].map(|name| (name, NO_PROXY)))
        .run()?;
    Ok(())
}

/// Makes the project in a folder of its own, installs the two packages, and compiles it.
fn install(shell: &Shell, name: &str, package: &str, client: &Path) -> anyhow::Result<PathBuf> {
    let package = pack(shell, package, name)?;
    let project = shell.current_dir().join(BUILT).join(name);
    shell.create_dir(&project)?;
    for folder in [PROJECTS.into(), format!("{PROJECTS}/{name}")] {
        for file in shell.read_dir(folder)?.iter().filter(|path| path.is_file()) {
            shell.copy_file(file, &project)?;
        }
    }
    in_project(shell, &project, |shell| {
        let flags = ["--offline", "--no-save", "--no-package-lock", "--no-audit", "--no-fund"];
        cmd!(shell, "npm install {flags...} {package} {client}").run()?;
        cmd!(shell, "tsc").run()
    })?;
    Ok(project)
}

/// Packs an npm package as `npm publish` would, and returns the archive.
fn pack(shell: &Shell, package: &str, name: &str) -> anyhow::Result<PathBuf> {
    let folder = shell.current_dir().join(BUILT).join("packed").join(name);
    shell.create_dir(&folder)?;
    let package = shell.current_dir().join(package);
    cmd!(shell, "npm pack {package} --silent --ignore-scripts --pack-destination {folder}")
        .run()?;
    let archive = shell.read_dir(&folder)?.pop();
    archive.with_context(|| format!("npm packed nothing into {}", folder.display()))
}

fn in_project(
    shell: &Shell,
    project: &Path,
    run: impl FnOnce(&Shell) -> xshell::Result<()>,
) -> anyhow::Result<()> {
    let _returns_at_the_end = shell.push_dir(project);
    run(shell).with_context(|| format!("the package does not work in {}", project.display()))
}
