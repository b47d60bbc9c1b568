//! A private PostgreSQL server.

use std::{
    ffi::OsString,
    fs::{self, File},
};

use anyhow::Context as _;

use crate::{
    folder::{Folder, Program},
    programs,
    server::{CONNECTIONS_MAX, Installed},
};

/// A linguistic order on purpose: the store must not depend on the default collation.
const LOCALE: &[&str] = &["--locale-provider=icu", "--icu-locale=en", "--locale=C.UTF-8"];

/// Makes the data folder of a server on this port.
pub(crate) fn install(folder: &Folder, port: u16) -> anyhow::Result<Installed> {
    let programs = programs::postgres().context("PostgreSQL is not installed")?;
    let data = folder.path("data").into_os_string();
    let setup = folder.path("setup.sql");
    fs::write(&setup, "CREATE DATABASE flux;\n")?;
    folder.certify()?;
    folder.hand_over()?;

    let initialise = |locale: &[&str]| {
        // Nothing to lose yet; the server itself does sync.
        let fixed = ["--auth=trust", "--username=flux", "--encoding=UTF8", "--no-sync"];
        let mut arguments: Vec<_> = fixed.iter().chain(locale).map(OsString::from).collect();
        arguments.extend(["--pgdata".into(), data.clone()]);
        folder.run(folder.command(&Program { path: programs.join("initdb"), arguments })?)
    };
    // Before version 15, or built without ICU. It removes what it made when it fails.
    if initialise(LOCALE).is_err() {
        eprintln!("PostgreSQL knows no ICU here: its default collation is that of bytes");
        initialise(&["--no-locale"])?;
    }
    let path = programs.join("postgres");
    let arguments = vec!["--single".into(), "-D".into(), data.clone(), "postgres".into()];
    let mut single_user = folder.command(&Program { path: path.clone(), arguments })?;
    single_user.stdin(File::open(&setup)?);
    folder.run(single_user)?;

    let url = format!("postgres://flux@127.0.0.1:{port}/flux");
    let mut arguments = vec!["-D".into(), data, "-k".into(), folder.path("").into_os_string()];
    let setting = |name: &str, file: &str| format!("--{name}={}", folder.path(file).display());
    arguments.extend([
        "--ssl=on".into(),
        setting("ssl_cert_file", "certificate.pem").into(),
        setting("ssl_key_file", "key.pem").into(),
        format!("--port={port}").into(),
        "--listen_addresses=127.0.0.1".into(),
        format!("--max_connections={CONNECTIONS_MAX}").into(),
    ]);
    let server = Program { path, arguments };
    let arguments =
        ["--no-psqlrc", "--no-password", "--command=SELECT 1", &format!("{url}?connect_timeout=5")];
    let arguments = arguments.map(OsString::from).to_vec();
    Ok(Installed { server, client: Program { path: programs.join("psql"), arguments }, url })
}
