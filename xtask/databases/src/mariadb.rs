//! A private MariaDB server, or MySQL where only that is installed.

use std::{ffi::OsString, fs};

use anyhow::Context as _;

use crate::{
    folder::{Folder, Program},
    programs,
    server::{CONNECTIONS_MAX, Installed},
};

/// From where the user may connect: over TCP with and without the name of the host, and the socket.
const HOSTS: &[&str] = &["%", "127.0.0.1", "localhost"];

/// Makes the data folder of a server on this port.
pub(crate) fn install(folder: &Folder, port: u16) -> anyhow::Result<Installed> {
    let programs = programs::mariadb().context("MariaDB is not installed")?;
    let setting = |name: &str, file: &str| {
        let mut setting = OsString::from(format!("--{name}="));
        setting.push(folder.path(file));
        setting
    };
    let data = setting("datadir", "data");
    fs::write(folder.path("setup.sql"), setup_sql())?;
    folder.certify()?;
    folder.hand_over()?;

    let (installer, how) = match programs.installer {
        // Leaves out the anonymous users.
        Some(installer) => (installer, "--skip-test-db"),
        // MySQL's server is its own.
        None => (programs.server.clone(), "--initialize-insecure"),
    };
    let arguments = vec!["--no-defaults".into(), data.clone(), how.into()];
    folder.run(folder.command(&Program { path: installer, arguments })?)?;

    let mut arguments = vec!["--no-defaults".into(), data];
    arguments.extend([
        setting("socket", "socket"),
        setting("pid-file", "pid"),
        setting("init-file", "setup.sql"),
        setting("ssl-cert", "certificate.pem"),
        setting("ssl-key", "key.pem"),
    ]);
    arguments.extend([
        format!("--port={port}").into(),
        "--bind-address=127.0.0.1".into(),
        "--skip-name-resolve".into(),
        // MySQL's second protocol, on a port that is not ours.
        "--loose-mysqlx=OFF".into(),
        format!("--max-connections={CONNECTIONS_MAX}").into(),
    ]);
    let server = Program { path: programs.server, arguments };
    let arguments = [
        "--no-defaults",
        "--host=127.0.0.1",
        &format!("--port={port}"),
        "--user=flux",
        "--password=flux",
        "--database=flux",
        "--connect-timeout=5",
        "--execute=SELECT 1",
    ];
    let client =
        Program { path: programs.client, arguments: arguments.map(OsString::from).to_vec() };
    Ok(Installed { server, client, url: format!("mysql://flux:flux@127.0.0.1:{port}/flux") })
}

/// Returns what the server runs before it listens, at every start, one statement a line.
fn setup_sql() -> String {
    let mut sql = "CREATE DATABASE IF NOT EXISTS flux;\n".to_owned();
    for host in HOSTS {
        let user = format!("'flux'@'{host}'");
        sql += &format!("CREATE USER IF NOT EXISTS {user} IDENTIFIED BY 'flux';\n");
        sql += &format!("GRANT ALL PRIVILEGES ON *.* TO {user} WITH GRANT OPTION;\n");
    }
    sql
}
