//! `cargo xtask demo`: from a fresh machine to a running notes sample.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use xshell::{Shell, cmd};

use crate::{tools, wasm};

/// Builds the sample and serves it until it is interrupted.
pub(crate) fn serve(shell: &Shell, listen: SocketAddr, database_url: &str) -> anyhow::Result<()> {
    tools::ensure(shell, wasm::TOOLS)?;
    wasm::build_page(shell)?;
    // Built apart from being run, so that the address is the last thing on the screen.
    cmd!(shell, "cargo build --release -p notes-server").run()?;

    let at = reachable(listen);
    println!(
        "\nOpen http://{at} in two browser windows, and http://{at}/api/inspector to look behind \
         them. Ctrl-C ends the server.\n"
    );
    let listen = listen.to_string();
    cmd!(shell, "cargo run --release -p notes-server -- serve --inspector --database-url {database_url} --listen {listen}").run()?;
    Ok(())
}

/// Returns an address that a browser on this machine can open: 0.0.0.0 is not one.
fn reachable(listen: SocketAddr) -> SocketAddr {
    if listen.ip().is_unspecified() {
        SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), listen.port())
    } else {
        listen
    }
}
