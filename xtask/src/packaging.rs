//! The npm packages as users get them: packed, installed into a small project for each thing that people
//! use, compiled, run; pages in Chromium.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use xshell::{Shell, cmd};

use crate::{npm, wasm};

const PROJECTS: &str = "js/packaging";
const BUILT: &str = "target/packaging";

/// The package of the sample for the web, the one with the WebAssembly inline as well.
const WEB_PACKAGE: &str = "examples/notes/wasm/pkg-web";

/// Where nobody listens: what is sent there fails at once.
const NO_PROXY: &str = "http://127.0.0.1:9";

/// Tries the package of the notes sample for each target of wasm-pack, each in another profile, and
/// the one for the web with what people build pages with.
pub(crate) fn run(shell: &Shell) -> anyhow::Result<()> {
    npm::install(shell)?;
    cmd!(shell, "npm run build -w js").run()?;
    let projects = Projects::begin(shell)?;

    build_for_bundlers(shell)?;
    let package = projects.pack("bundler", "examples/notes/wasm/pkg")?;
    projects.with(&["bundler"], &package, |shell| {
        cmd!(shell, "vite build --logLevel warn").run()?;
        cmd!(shell, "node bundle/main.js").run()
    })?;

    // --dev, for its package is linked in another way than that of the other profiles.
    cmd!(shell, "wasm-pack build examples/notes/wasm --mode no-install --target nodejs --out-dir pkg-nodejs --dev").run()?;
    let package = projects.pack("nodejs", "examples/notes/wasm/pkg-nodejs")?;
    projects.with(&["nodejs"], &package, |shell| {
        cmd!(shell, "node dist/main.js").run()?;
        cmd!(shell, "node dist/require.cjs").run()
    })?;

    wasm::build_package(shell)?;
    cmd!(shell, "node js/bin/inline-wasm.js {WEB_PACKAGE}").run()?;
    let package = projects.pack("web", WEB_PACKAGE)?;
    for (folders, build_and_run) in OF_THE_WEB {
        projects.with(folders, &package, *build_and_run)?;
    }
    Ok(())
}

/// What is done in a project, once the packages are there and it is compiled.
type BuildAndRun = fn(&Shell) -> xshell::Result<()>;

/// The projects that use the package for the web: with the WebAssembly as a file, and inline.
const OF_THE_WEB: &[(&[&str], BuildAndRun)] = &[
    (&["web"], |shell| {
        cmd!(shell, "node dist/main.js").run()?;
        // Once more, by the command that comes with the package.
        cmd!(shell, "npx inline-wasm node_modules/notes-wasm").run()?;
        cmd!(shell, "node dist/inline.js").run()?;
        cmd!(shell, "node dist/require.cjs").run()
    }),
    (&["deno"], |shell| {
        let flags = ["--allow-read", "--allow-env", "--node-modules-dir=manual"];
        cmd!(shell, "npx deno run {flags...} dist/file.js").run()?;
        cmd!(shell, "npx deno run {flags...} dist/inline.js").run()
    }),
    (&["pages", "script-tag"], |shell| open_pages(shell, ".")),
    (&["pages", "vite"], |shell| {
        cmd!(shell, "npx vite build --logLevel warn").run()?;
        open_pages(shell, "pages")
    }),
    (&["pages", "webpack"], |shell| {
        cmd!(shell, "npx webpack --stats errors-warnings").run()?;
        cmd!(shell, "cp file.html inline.html pages").run()?;
        open_pages(shell, "pages")
    }),
    (&["next"], |shell| {
        // It would take it for its own, and change it.
        shell.remove_path("tsconfig.json")?;
        cmd!(shell, "npx next build").env("NEXT_TELEMETRY_DISABLED", "1").run()?;
        open_pages(shell, "pages")
    }),
];

/// Opens the two pages of a folder in Chromium.
fn open_pages(shell: &Shell, folder: &str) -> xshell::Result<()> {
    cmd!(shell, "node run-pages.mjs {folder} file.html inline.html").run()
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

/// The folder of the projects.
struct Projects<'a> {
    shell: &'a Shell,
    /// The packed client.
    client: PathBuf,
}

impl<'a> Projects<'a> {
    /// Begins with what the projects are built with, and with the client.
    fn begin(shell: &'a Shell) -> anyhow::Result<Self> {
        shell.create_dir(BUILT)?;
        for file in ["package.json", "package-lock.json"] {
            let wanted = shell.read_file(format!("{PROJECTS}/tools/{file}"))?;
            let copy = format!("{BUILT}/{file}");
            // Written again it would look newer than what is installed.
            if shell.read_file(&copy).is_ok_and(|there| there == wanted) {
                continue;
            }
            shell.write_file(copy, wanted)?;
        }
        npm::install_in(shell, BUILT)?;
        let projects = Self { shell, client: PathBuf::new() };
        let client = projects.pack("client", "js")?;
        Ok(Self { client, ..projects })
    }

    /// Packs an npm package as `npm publish` would, and returns the archive.
    fn pack(&self, name: &str, package: &str) -> anyhow::Result<PathBuf> {
        let shell = self.shell;
        let folder = shell.current_dir().join(BUILT).join("packed").join(name);
        shell.remove_path(&folder)?;
        shell.create_dir(&folder)?;
        let package = shell.current_dir().join(package);
        cmd!(shell, "npm pack {package} --silent --ignore-scripts --pack-destination {folder}")
            .run()?;
        let archive = shell.read_dir(&folder)?.pop();
        archive.with_context(|| format!("npm packed nothing into {}", folder.display()))
    }

    /// Makes a project of these folders, named as the last, installs the two packages, compiles it
    /// and runs it.
    fn with(&self, folders: &[&str], package: &Path, run: BuildAndRun) -> anyhow::Result<()> {
        let (shell, client) = (self.shell, &self.client);
        let name = folders.last().context("a project has a folder")?;
        let project = shell.current_dir().join(BUILT).join(name);
        shell.remove_path(&project)?;
        shell.create_dir(&project)?;
        for folder in ["shared"].iter().chain(folders) {
            let source = format!("{PROJECTS}/{folder}/.");
            cmd!(shell, "cp -r {source} {project}").run()?;
        }
        let _returns_at_the_end = shell.push_dir(&project);
        let flags = ["--offline", "--no-save", "--no-package-lock", "--no-audit", "--no-fund"];
        cmd!(shell, "npm install {flags...} {package} {client}")
            .run()
            .and_then(|()| cmd!(shell, "tsc").run())
            .and_then(|()| run(shell))
            .with_context(|| format!("the package does not work in {}", project.display()))
    }
}
