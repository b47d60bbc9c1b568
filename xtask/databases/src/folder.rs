//! The folder of one server, and the programs that run in it as the server's own user.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs::{self, File},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, ensure};
use tempfile::TempDir;

use crate::{kind::Kind, programs};

/// The end of a log has what went wrong.
const LOG_LINES_MAX: usize = 30;

/// A program and what it is told.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    pub(crate) arguments: Vec<OsString>,
}

/// A folder that is gone with the value, and who runs what in it.
#[derive(Debug)]
pub(crate) struct Folder {
    kind: Kind,
    launcher: Vec<String>,
    directory: TempDir,
}

impl Folder {
    /// Creates the folder of a server in another one, which everybody may enter.
    pub(crate) fn new(kind: Kind, within: &Path) -> anyhow::Result<Self> {
        let has_setpriv = programs::find("setpriv").is_some();
        let launcher = launcher(kind, is_root()?, has_setpriv)?;
        let prefix = format!("flux-{}-", kind.name().to_lowercase());
        let directory = TempDir::with_prefix_in(prefix, within)?;
        File::create(directory.path().join("log"))?;
        Ok(Self { kind, launcher, directory })
    }

    /// Creates the folder of a server among the temporary files.
    pub(crate) fn temporary(kind: Kind) -> anyhow::Result<Self> {
        Self::new(kind, &env::temp_dir())
    }

    /// Returns a path in the folder, which is short: a socket's path has at most 107 bytes.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a certificate of its own, `certificate.pem`, and the key to it, `key.pem`.
    pub(crate) fn certify(&self) -> anyhow::Result<()> {
        let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
        fs::write(self.path("certificate.pem"), certified.cert.pem())?;
        let key = self.path("key.pem");
        fs::write(&key, certified.signing_key.serialize_pem())?;
        // PostgreSQL refuses one that others may read.
        Ok(fs::set_permissions(key, fs::Permissions::from_mode(0o600))?)
    }

    /// Gives the folder and what is in it to the server's user.
    pub(crate) fn hand_over(&self) -> anyhow::Result<()> {
        if is_root()? {
            let owner = format!("{}:", self.kind.system_user());
            let mut chown = Command::new("chown");
            chown.arg("-R").arg(owner).arg(self.directory.path());
            let status = chown.status().context("`chown` does not start")?;
            ensure!(status.success(), "{chown:?} ended with {status}");
        }
        Ok(())
    }

    /// Returns a program run as the server's user in its folder, its output in the log.
    pub(crate) fn command(&self, program: &Program) -> anyhow::Result<Command> {
        let path = [program.path.as_os_str()];
        let mut words = self.launcher.iter().map(OsStr::new).chain(path);
        let mut command = Command::new(words.next().context("there is a program")?);
        let log = File::options().append(true).open(self.path("log"))?;
        command
            .args(words)
            .args(&program.arguments)
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        Ok(command)
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, mut command: Command) -> anyhow::Result<()> {
        let status = command.status().with_context(|| format!("{command:?} does not start"))?;
        ensure!(status.success(), "{command:?} ended with {status}\n{}", self.log());
        Ok(())
    }

    /// Returns the end of what the server said.
    pub(crate) fn log(&self) -> String {
        let log = fs::read(self.path("log")).unwrap_or_default();
        format!("the end of its log:\n{}", last_lines(&String::from_utf8_lossy(&log)))
    }
}

/// Returns what runs a program as its system user, and ends it when the thread that started it is
/// gone, as when its process is killed outright.
///
/// # Errors
/// As root without `setpriv`: there is no other way that changes the user and not the process.
fn launcher(kind: Kind, is_root: bool, has_setpriv: bool) -> anyhow::Result<Vec<String>> {
    if !has_setpriv {
        ensure!(
            !is_root,
            "{} refuses to run as root: install `setpriv` (it is in util-linux), or be another user",
            kind.name()
        );
        return Ok(Vec::new());
    }
    let mut launcher = vec!["setpriv".to_owned(), format!("--pdeathsig={}", kind.stop_signal())];
    if is_root {
        launcher.push(format!("--reuid={}", kind.system_user()));
        launcher.push(format!("--regid={}", kind.system_user()));
        launcher.push("--clear-groups".to_owned());
    }
    launcher.push("--".to_owned());
    Ok(launcher)
}

/// Returns whether everything is allowed, and running a database server is not.
fn is_root() -> anyhow::Result<bool> {
    let answer = Command::new("id").arg("-u").output().context("`id` does not start")?;
    Ok(answer.stdout.trim_ascii() == b"0")
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES_MAX)..].join("\n")
}

#[cfg(test)]
mod tests;
