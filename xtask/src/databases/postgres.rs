//! A private PostgreSQL server.

use std::{
    fs::{self, File},
    process::Command,
};

use anyhow::Context as _;
use xshell::Shell;

use super::server::{CONNECTIONS_MAX, Kind, Server};
use crate::tools::servers;

const KIND: Kind = Kind { name: "PostgreSQL", system_user: "postgres", stop_signal: "INT" };

/// A linguistic order on purpose: the store must not depend on the default collation.
const LOCALE: &[&str] = &["--locale-provider=icu", "--icu-locale=en", "--locale=C.UTF-8"];

/// Starts a server on this port and returns its URL.
pub(super) fn start(shell: &Shell, port: u16) -> anyhow::Result<(Server, String)> {
    let programs = servers::postgres(shell).context("PostgreSQL is not installed")?;
    let mut server = Server::new(shell, KIND)?;
    let data = server.path("data");
    let setup = server.path("setup.sql");
    fs::write(&setup, "CREATE DATABASE flux;\n")?;
    server.hand_over(shell)?;

    let initialise = |locale: &[&str]| {
        let mut initdb = server.command(&programs.join("initdb"))?;
        // Nothing to lose yet; the server itself does sync.
        initdb.args(["--auth=trust", "--username=flux", "--encoding=UTF8", "--no-sync"]);
        initdb.args(locale).arg("--pgdata").arg(&data);
        server.run(initdb)
    };
    // Before version 15, or built without ICU. It removes what it made when it fails.
    if initialise(LOCALE).is_err() {
        println!("PostgreSQL knows no ICU here: its default collation is that of bytes");
        initialise(&["--no-locale"])?;
    }
    let postgres = programs.join("postgres");
    let mut single_user = server.command(&postgres)?;
    single_user.args(["--single", "-D"]).arg(&data).arg("postgres").stdin(File::open(&setup)?);
    server.run(single_user)?;

    let url = format!("postgres://flux@127.0.0.1:{port}/flux");
    let mut process = server.command(&postgres)?;
    process.arg("-D").arg(&data).arg("-k").arg(server.path("")).args([
        format!("--port={port}"),
        "--listen_addresses=127.0.0.1".to_owned(),
        format!("--max_connections={CONNECTIONS_MAX}"),
    ]);
    let mut client = Command::new(programs.join("psql"));
    client.env("PGCONNECT_TIMEOUT", "5");
    client.args(["--no-psqlrc", "--no-password", "--command=SELECT 1", &url]);
    server.start(process, client)?;
    Ok((server, url))
}
