//! Private PostgreSQL and MariaDB servers for a test run: fresh at the start, gone at the end.

use std::{
    process,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    thread,
};

use flux_test_databases::{Kind, Server};
use xshell::Shell;

use crate::tools::{self, Tool};

/// The environment variables that the tests read; where one is set, that server is used.
const POSTGRES_VARIABLE: &str = "TEST_POSTGRES_URL";
const MYSQL_VARIABLE: &str = "TEST_MYSQL_URL";

/// What a shell reports of a program that ctrl-c ended.
const EXIT_CODE_INTERRUPTED: i32 = 130;

/// One server of each kind that the tests may create tables and databases in.
///
/// Those that were started here are stopped, and their folders removed, when this is dropped or
/// the user ends xtask.
pub(crate) struct Databases {
    postgres_url: String,
    mysql_url: String,
    started: Started,
}

/// The servers to stop, shared with the handler of ctrl-c.
type Started = Arc<Mutex<Vec<Server>>>;

impl Databases {
    /// Starts a server of each kind, except where the environment names one.
    ///
    /// # Errors
    /// When a server is not installed and cannot be, or does not start; the message has its log.
    pub(crate) fn start(shell: &Shell) -> anyhow::Result<Self> {
        let mut databases = Self {
            postgres_url: String::new(),
            mysql_url: String::new(),
            started: stopped_on_interrupt()?,
        };
        databases.postgres_url = databases.url(shell, POSTGRES_VARIABLE, Kind::Postgres)?;
        databases.mysql_url = databases.url(shell, MYSQL_VARIABLE, Kind::MariaDb)?;
        Ok(databases)
    }

    /// Returns the environment variables that the tests need.
    pub(crate) fn variables(&self) -> [(&'static str, &str); 2] {
        [(POSTGRES_VARIABLE, &self.postgres_url), (MYSQL_VARIABLE, &self.mysql_url)]
    }

    fn url(&self, shell: &Shell, variable: &str, kind: Kind) -> anyhow::Result<String> {
        if let Some(url) = shell.var(variable).ok().filter(|url| !url.is_empty()) {
            return Ok(url);
        }
        tools::ensure(shell, &[Tool::Database(kind)])?;
        // Held while it starts, so that ctrl-c cannot miss a server that is not in the list yet.
        let mut started = lock(&self.started);
        let server = Server::start(kind)?;
        let url = server.url().to_owned();
        started.push(server);
        println!("started {url}");
        Ok(url)
    }
}

impl Drop for Databases {
    fn drop(&mut self) {
        lock(&self.started).clear();
    }
}

/// Starts the servers, says how to use them, and keeps them until ctrl-c.
pub(crate) fn serve(shell: &Shell) -> anyhow::Result<()> {
    let databases = Databases::start(shell)?;
    println!();
    for (name, url) in databases.variables() {
        println!("export {name}={url}");
    }
    println!("\nWith these, `cargo test` finds the databases. Ctrl-C stops and removes them.");
    loop {
        thread::park();
    }
}

/// Returns an empty list whose servers are stopped when the user ends xtask.
///
/// Several steps of one run may start servers of their own, but a process has one handler of
/// ctrl-c: it looks after all lists.
fn stopped_on_interrupt() -> anyhow::Result<Started> {
    static LISTS: OnceLock<Mutex<Vec<Started>>> = OnceLock::new();
    if LISTS.get().is_none() {
        // Closing the terminal or `kill` are handled alike. A signal does not drop what is alive.
        ctrlc::set_handler(|| {
            for started in lock(LISTS.get_or_init(Mutex::default)).iter() {
                lock(started).clear();
            }
            process::exit(EXIT_CODE_INTERRUPTED);
        })?;
    }
    let started = Started::default();
    lock(LISTS.get_or_init(Mutex::default)).push(Arc::clone(&started));
    Ok(started)
}

/// Returns the list, also after a panic: what has started must still be stopped.
fn lock<T>(list: &Mutex<Vec<T>>) -> MutexGuard<'_, Vec<T>> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}
