//! One server process in a folder of its own; both end with the value.

use std::{
    ffi::OsStr,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use tempfile::TempDir;
use xshell::{Shell, cmd};

use crate::tools;

/// More than each test of a large machine, with a pool of its own, opens at the same time.
pub(super) const CONNECTIONS_MAX: u32 = 500;

/// Seconds on a busy machine; a server that takes longer will not start.
const START_TIMEOUT: Duration = Duration::from_secs(60);
const STOP_TIMEOUT: Duration = Duration::from_secs(20);
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The end of a log has what went wrong.
const LOG_LINES_MAX: usize = 30;

/// What differs between the servers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    /// The user that the package creates: the servers refuse to run as root.
    pub(super) system_user: &'static str,
    /// Ends the server without waiting for its clients.
    pub(super) stop_signal: &'static str,
}

/// A server that is being set up, or running.
pub(super) struct Server {
    kind: Kind,
    launcher: Vec<String>,
    process: Option<Child>,
    folder: TempDir,
}

impl Server {
    /// Creates the folder of a server and runs nothing yet.
    pub(super) fn new(shell: &Shell, kind: Kind) -> anyhow::Result<Self> {
        let is_root = tools::is_root(shell)?;
        let has_setpriv = tools::find(shell, "setpriv").is_some();
        let launcher = launcher(kind, is_root, has_setpriv)?;
        let folder = TempDir::with_prefix(format!("flux-{}-", kind.name.to_lowercase()))?;
        File::create(folder.path().join("log"))?;
        Ok(Self { kind, launcher, process: None, folder })
    }

    /// Returns a path in the folder, which is short: a socket's path has at most 107 bytes.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Gives the folder and what is in it to the server's user.
    pub(super) fn hand_over(&self, shell: &Shell) -> anyhow::Result<()> {
        if tools::is_root(shell)? {
            let owner = format!("{}:", self.kind.system_user);
            let folder = self.folder.path();
            cmd!(shell, "chown -R {owner} {folder}").quiet().run()?;
        }
        Ok(())
    }

    /// Returns a program run as the server's user in its folder, its output in the log.
    pub(super) fn command(&self, program: &Path) -> anyhow::Result<Command> {
        let mut words = self.launcher.iter().map(OsStr::new).chain([program.as_os_str()]);
        let mut command = Command::new(words.next().context("there is a program")?);
        let log = File::options().append(true).open(self.path("log"))?;
        command
            .args(words)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        Ok(command)
    }

    /// Runs a command to its end.
    pub(super) fn run(&self, mut command: Command) -> anyhow::Result<()> {
        let status = command.status().with_context(|| format!("{command:?} does not start"))?;
        ensure!(status.success(), "{command:?} ended with {status}\n{}", self.log());
        Ok(())
    }

    /// Starts the server itself and waits until this client's command succeeds.
    pub(super) fn start(&mut self, mut server: Command, mut client: Command) -> anyhow::Result<()> {
        let name = self.kind.name;
        let start = Instant::now();
        let child = server.spawn().with_context(|| format!("{server:?} does not start"))?;
        self.process = Some(child);
        loop {
            if let Some(status) = self.process.as_mut().map(Child::try_wait).transpose()?.flatten()
            {
                bail!("{name} did not start, it ended with {status}\n{}", self.log());
            }
            let answer = client.stdin(Stdio::null()).output();
            let answer = answer.with_context(|| format!("{client:?} does not start"))?;
            if answer.status.success() {
                return Ok(());
            }
            if start.elapsed() > START_TIMEOUT {
                let said = String::from_utf8_lossy(&answer.stderr);
                bail!("{name} does not answer after {START_TIMEOUT:?}: {said}\n{}", self.log());
            }
            thread::sleep(POLL_INTERVAL);
        }
    }

    fn log(&self) -> String {
        let log = fs::read(self.path("log")).unwrap_or_default();
        format!("the end of its log:\n{}", last_lines(&String::from_utf8_lossy(&log)))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        let signal = format!("kill -s {} {}", self.kind.stop_signal, process.id());
        let signalled = Command::new("sh").args(["-c", &signal]).stderr(Stdio::null()).status();
        let start = Instant::now();
        while signalled.is_ok() && start.elapsed() < STOP_TIMEOUT {
            if !matches!(process.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(POLL_INTERVAL);
        }
        eprintln!("{} does not stop: killing it", self.kind.name);
        let _ = process.kill();
        let _ = process.wait();
    }
}

/// Returns what runs a program as its system user, and ends it when xtask is killed outright.
///
/// # Errors
/// As root without `setpriv`: there is no other way that changes the user and not the process.
fn launcher(kind: Kind, is_root: bool, has_setpriv: bool) -> anyhow::Result<Vec<String>> {
    let Kind { name, system_user, stop_signal } = kind;
    if !has_setpriv {
        ensure!(
            !is_root,
            "{name} refuses to run as root: install `setpriv` (it is in util-linux), or be another user"
        );
        return Ok(Vec::new());
    }
    let mut launcher = vec!["setpriv".to_owned(), format!("--pdeathsig={stop_signal}")];
    if is_root {
        launcher.push(format!("--reuid={system_user}"));
        launcher.push(format!("--regid={system_user}"));
        launcher.push("--clear-groups".to_owned());
    }
    launcher.push("--".to_owned());
    Ok(launcher)
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES_MAX)..].join("\n")
}

#[cfg(test)]
mod tests;
