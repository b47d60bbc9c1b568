//! Rules about the crates: no unsafe code, and no dependency against the direction of the design.

use anyhow::Context as _;
use cargo_metadata::{DependencyKind, MetadataCommand, camino::Utf8Path};
use xshell::Shell;

/// A crate of the workspace and its dependencies within the workspace.
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) dependencies: Vec<(String, DependencyKind)>,
}

/// The whole list of what a crate may be built on; tests may use more.
const FOUNDATIONS: &[(&str, &[&str])] = &[
    ("flux-derive", &[]),
    ("flux-reducers", &["flux-derive"]),
    ("flux-server", &["flux-reducers"]),
    ("flux-wasm", &["flux-reducers"]),
];

/// Returns what the crates of the workspace do against the rules.
pub(crate) fn problems(shell: &Shell) -> anyhow::Result<Vec<String>> {
    let metadata = MetadataCommand::new().current_dir(shell.current_dir()).no_deps().exec()?;
    let names: Vec<&str> = metadata.packages.iter().map(|package| package.name.as_str()).collect();
    let mut problems = Vec::new();
    let mut members = Vec::new();
    for package in &metadata.packages {
        let dependencies = package
            .dependencies
            .iter()
            .filter(|dependency| names.contains(&dependency.name.as_str()));
        members.push(Member {
            name: package.name.to_string(),
            dependencies: dependencies
                .map(|dependency| (dependency.name.clone(), dependency.kind))
                .collect(),
        });
        let roots = package
            .targets
            .iter()
            .filter(|target| target.is_lib() || target.is_bin() || target.is_proc_macro());
        let mut roots = roots.map(|target| target.src_path.as_path());
        if !inherits_lints(shell, &package.manifest_path)?
            && !roots
                .try_fold(true, |all, root| forbids_unsafe(shell, root).map(|one| all && one))?
        {
            problems.push(format!(
                "{}: neither `lints.workspace = true` nor `#![forbid(unsafe_code)]`; users should not have to audit us for unsafe code",
                package.manifest_path
            ));
        }
    }
    let root_manifest = shell.read_file("Cargo.toml")?;
    if lint_level(&root_manifest)? != Some("forbid".to_owned()) {
        problems.push(
            "Cargo.toml: the workspace lint `unsafe_code` is not \"forbid\"; crates inherit it"
                .to_owned(),
        );
    }
    problems.extend(arrows_back(&members));
    Ok(problems)
}

/// Returns the dependencies that point against the direction of the design.
pub(crate) fn arrows_back(members: &[Member]) -> Vec<String> {
    let mut problems = Vec::new();
    for Member { name, dependencies } in members {
        let others = || dependencies.iter().filter(|(dependency, _)| dependency != name);
        if let Some((_, allowed)) = FOUNDATIONS.iter().find(|(crate_name, _)| crate_name == name) {
            for (dependency, kind) in others() {
                if *kind != DependencyKind::Development && !allowed.contains(&dependency.as_str()) {
                    problems.push(format!(
                        "{name} depends on {dependency}; of the workspace it may know only {allowed:?}: each part must be usable alone"
                    ));
                }
            }
        }
        let may_know_the_sample =
            name.starts_with("notes-") || ["flux-tests", "xtask"].contains(&name.as_str());
        for (dependency, _) in others() {
            if dependency.starts_with("notes-") && !may_know_the_sample {
                problems.push(format!(
                    "{name} depends on {dependency}; the product must not know its example"
                ));
            }
        }
    }
    problems
}

fn inherits_lints(shell: &Shell, manifest: &Utf8Path) -> anyhow::Result<bool> {
    let manifest: toml::Table =
        shell.read_file(manifest)?.parse().with_context(|| manifest.to_string())?;
    let inherits = manifest
        .get("lints")
        .and_then(|lints| lints.get("workspace"))
        .and_then(toml::Value::as_bool);
    Ok(inherits == Some(true))
}

fn forbids_unsafe(shell: &Shell, root: &Utf8Path) -> anyhow::Result<bool> {
    Ok(shell.read_file(root)?.lines().any(|line| line.trim() == "#![forbid(unsafe_code)]"))
}

/// Returns the level of `unsafe_code` in the workspace's lints.
fn lint_level(manifest: &str) -> anyhow::Result<Option<String>> {
    let manifest: toml::Table = manifest.parse().context("Cargo.toml")?;
    let level = manifest
        .get("workspace")
        .and_then(|workspace| workspace.get("lints")?.get("rust")?.get("unsafe_code"));
    Ok(level.and_then(toml::Value::as_str).map(str::to_owned))
}
