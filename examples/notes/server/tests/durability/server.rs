//! The real server as its own process.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// A running server.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: String,
}

impl Server {
    /// Starts it on a port, 0 for a free one, and waits until it listens.
    pub(crate) async fn start(url: &str, listen: &str) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_notes-server"))
            .args(["serve", "--database-url", url, "--listen", listen])
            .env("NO_COLOR", "1")
            .env("RUST_LOG", "info,sqlx=off,flux_server=off")
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut told = String::new();
        while let Some(line) = lines.next_line().await.unwrap() {
            if let Some((_, address)) = line.split_once("notes are at http://") {
                let address = address.trim().to_owned();
                tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                return Self { process, address };
            }
            told.push_str(&line);
        }
        panic!("the server did not start: {told}");
    }

    /// Kills it: no destructor runs, nothing is flushed.
    pub(crate) async fn kill(mut self) {
        self.process.kill().await.unwrap();
    }

    /// Stops or continues it as a whole: SIGSTOP, SIGCONT.
    pub(crate) async fn signal(&self, signal: &str) {
        let process = self.process.id().unwrap().to_string();
        let sent = Command::new("kill").args([signal, &process]).status().await.unwrap();
        assert!(sent.success());
    }
}
