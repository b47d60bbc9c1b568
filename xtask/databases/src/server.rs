//! One server process in a folder of its own; both end with the value.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};

use crate::{
    folder::{Folder, Program},
    kind::Kind,
    mariadb, postgres,
};

/// More than each test of a large machine, with a pool of its own, opens at the same time.
pub(crate) const CONNECTIONS_MAX: u32 = 500;

/// Seconds on a busy machine; a server that takes longer will not start.
const START_TIMEOUT: Duration = Duration::from_secs(60);
const STOP_TIMEOUT: Duration = Duration::from_secs(20);
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// A server that runs on a port of 127.0.0.1, empty at first.
///
/// It is stopped, and its folder removed, when this is dropped; also when the thread that started
/// it ends, where `setpriv` is installed: a test that is killed leaves nothing behind.
#[derive(Debug)]
pub struct Server {
    kind: Kind,
    installed: Installed,
    process: Option<Child>,
    folder: Folder,
}

/// What runs a server that has its data folder, and how it is reached.
#[derive(Debug)]
pub(crate) struct Installed {
    pub(crate) server: Program,
    /// Succeeds once the server answers.
    pub(crate) client: Program,
    pub(crate) url: String,
}

impl Server {
    /// Starts a server among the temporary files.
    ///
    /// # Errors
    /// When it is not installed, or does not start; the message says what to do, or has its log.
    pub fn start(kind: Kind) -> anyhow::Result<Self> {
        Self::start_with(kind, Folder::temporary(kind)?)
    }

    /// Starts a server whose data is in a folder within this one.
    ///
    /// # Errors
    /// As of [`start`](Self::start); or when the server's user may not enter the folder.
    pub fn start_within(kind: Kind, folder: &Path) -> anyhow::Result<Self> {
        Self::start_with(kind, Folder::new(kind, folder)?)
    }

    fn start_with(kind: Kind, folder: Folder) -> anyhow::Result<Self> {
        ensure!(
            kind.is_installed(),
            "the tests need {}: `cargo xtask tools` installs what is missing",
            kind.needs()
        );
        let port = free_port()?;
        let installed = match kind {
            Kind::MariaDb => mariadb::install(&folder, port)?,
            Kind::Postgres => postgres::install(&folder, port)?,
        };
        let mut server = Self { kind, installed, process: None, folder };
        server.start_again()?;
        Ok(server)
    }

    /// Returns the URL of its database `flux`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.installed.url
    }

    /// Returns whether its process has not ended.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn is_running(&mut self) -> anyhow::Result<bool> {
        let ended = self.process.as_mut().map(Child::try_wait).transpose()?;
        Ok(matches!(ended, Some(None)))
    }

    /// Kills it and the processes that it started, as SIGKILL does: nothing is written, nobody is
    /// told.
    ///
    /// # Errors
    /// When the system refuses that.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        let Some(mut process) = self.process.take() else { return Ok(()) };
        let children = children(process.id());
        process.kill()?;
        process.wait()?;
        // One may have ended with its parent: that it can't be signalled is no error.
        let mut kill = Command::new("kill");
        kill.arg("-KILL").args(&children).stderr(Stdio::null());
        if !children.is_empty() {
            kill.status().context("`kill` does not start")?;
        }
        let start = Instant::now();
        while let Some(child) = children.iter().find(|child| is_alive(child)) {
            ensure!(start.elapsed() < STOP_TIMEOUT, "process {child} survives SIGKILL");
            thread::sleep(POLL_INTERVAL);
        }
        Ok(())
    }

    /// Starts it on its data folder and port, where it does not run, and waits until it answers.
    ///
    /// # Errors
    /// When it ends instead, or does not answer in a minute; the message has its log.
    pub fn start_again(&mut self) -> anyhow::Result<()> {
        if self.is_running()? {
            return Ok(());
        }
        let name = self.kind.name();
        let mut command = self.folder.command(&self.installed.server)?;
        let start = Instant::now();
        let child = command.spawn().with_context(|| format!("{command:?} does not start"))?;
        self.process = Some(child);
        loop {
            if let Some(status) = self.process.as_mut().map(Child::try_wait).transpose()?.flatten()
            {
                self.process = None;
                bail!("{name} did not start, it ended with {status}\n{}", self.folder.log());
            }
            let Program { path, arguments } = &self.installed.client;
            let answer = Command::new(path).args(arguments).stdin(Stdio::null()).output();
            let answer = answer.with_context(|| format!("{path:?} does not start"))?;
            if answer.status.success() {
                return Ok(());
            }
            if start.elapsed() > START_TIMEOUT {
                let said = String::from_utf8_lossy(&answer.stderr);
                let log = self.folder.log();
                bail!("{name} does not answer after {START_TIMEOUT:?}: {said}\n{log}");
            }
            thread::sleep(POLL_INTERVAL);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        let signal = format!("kill -s {} {}", self.kind.stop_signal(), process.id());
        let signalled = Command::new("sh").args(["-c", &signal]).stderr(Stdio::null()).status();
        let start = Instant::now();
        while signalled.is_ok() && start.elapsed() < STOP_TIMEOUT {
            if !matches!(process.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(POLL_INTERVAL);
        }
        eprintln!("{} does not stop: killing it", self.kind.name());
        let _ = process.kill();
        let _ = process.wait();
    }
}

/// Returns the processes that one started, where the system tells; elsewhere they notice by
/// themselves that it is gone.
fn children(process: u32) -> Vec<String> {
    let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children"));
    children.unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

/// A process that ended and that nobody has asked about yet is not alive.
fn is_alive(process: &str) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name, in parentheses, may hold anything.
    let state = status.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    state.is_some_and(|state| state != 'Z')
}

fn free_port() -> anyhow::Result<u16> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("127.0.0.1 has no free port")?;
    Ok(listener.local_addr()?.port())
}
