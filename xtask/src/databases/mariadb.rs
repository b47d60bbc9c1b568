//! A private MariaDB server, or MySQL where only that is installed.

use std::{ffi::OsString, fs, process::Command};

use anyhow::Context as _;
use xshell::Shell;

use super::server::{CONNECTIONS_MAX, Kind, Server};
use crate::tools::servers;

const KIND: Kind = Kind { name: "MariaDB", system_user: "mysql", stop_signal: "TERM" };

/// From where the user may connect: over TCP with and without the name of the host, and the socket.
const HOSTS: &[&str] = &["%", "127.0.0.1", "localhost"];

/// Starts a server on this port and returns its URL.
pub(super) fn start(shell: &Shell, port: u16) -> anyhow::Result<(Server, String)> {
    let programs = servers::mariadb(shell).context("MariaDB is not installed")?;
    let mut server = Server::new(shell, KIND)?;
    let setting = |name: &str, file: &str| {
        let mut setting = OsString::from(format!("--{name}="));
        setting.push(server.path(file));
        setting
    };
    let data = setting("datadir", "data");
    let socket = setting("socket", "socket");
    let pid_file = setting("pid-file", "pid");
    let setup = setting("init-file", "setup.sql");
    fs::write(server.path("setup.sql"), setup_sql())?;
    server.hand_over(shell)?;

    let mut initialise = match &programs.installer {
        Some(installer) => server.command(installer)?,
        None => server.command(&programs.server)?,
    };
    initialise.arg("--no-defaults").arg(&data);
    // The first leaves out the anonymous users, the second is MySQL's server itself.
    initialise.arg(match programs.installer {
        Some(_) => "--skip-test-db",
        None => "--initialize-insecure",
    });
    server.run(initialise)?;

    let mut process = server.command(&programs.server)?;
    process.arg("--no-defaults").args([&data, &socket, &pid_file, &setup]).args([
        format!("--port={port}"),
        "--bind-address=127.0.0.1".to_owned(),
        "--skip-name-resolve".to_owned(),
        // MySQL's second protocol, on a port that is not ours.
        "--loose-mysqlx=OFF".to_owned(),
        format!("--max-connections={CONNECTIONS_MAX}"),
    ]);
    let mut client = Command::new(&programs.client);
    client.args(["--no-defaults", "--host=127.0.0.1", &format!("--port={port}")]).args([
        "--user=flux",
        "--password=flux",
        "--database=flux",
        "--connect-timeout=5",
        "--execute=SELECT 1",
    ]);
    server.start(process, client)?;
    Ok((server, format!("mysql://flux:flux@127.0.0.1:{port}/flux")))
}

/// Returns what the server runs before it listens, one statement a line.
fn setup_sql() -> String {
    let mut sql = "CREATE DATABASE flux;\n".to_owned();
    for host in HOSTS {
        let user = format!("'flux'@'{host}'");
        sql += &format!("CREATE USER {user} IDENTIFIED BY 'flux';\n");
        sql += &format!("GRANT ALL PRIVILEGES ON *.* TO {user} WITH GRANT OPTION;\n");
    }
    sql
}
