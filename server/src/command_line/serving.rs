//! `serve`: the service on an address, until the process is asked to end.

use std::net::SocketAddr;

use clap::Args;

use super::{CommandError, Database};
use crate::service::{Listening, Service};
use crate::store::StoreBuilder;

/// The service on an address. It is not in [`Command`](super::Command): what a server has besides
/// its store, such as commands and a page, is its own.
///
/// ```
/// use clap::{Args, Parser};
/// use flux_server::command_line;
///
/// /// Serves the notes.
/// #[derive(Parser)]
/// struct Serve {
///     #[command(flatten)]
///     server: command_line::Serve,
///     /// The folder of the page.
///     #[arg(long, default_value = "page")]
///     page: std::path::PathBuf,
/// }
///
/// Serve::parse_from(["notes", "--database-url=sqlite://notes.db", "--listen=127.0.0.1:0"]);
/// ```
#[derive(Args, Clone, Debug)]
#[group(skip)] // An app's own struct may have the same name.
pub struct Serve {
    #[command(flatten)]
    database: Database,
    /// The address; beyond this machine only with an authentication, or with --allow-anonymous
    #[arg(long, env = "LISTEN", default_value = "127.0.0.1:4000")]
    listen: SocketAddr,
    /// Lets everybody who reaches the address read and change everything
    #[arg(long)]
    allow_anonymous: bool,
    /// Serves a page at /inspector, below the API's prefix, to look into the store with
    #[arg(long)]
    inspector: bool,
}

impl Serve {
    /// Opens the store and listens. `builder` makes the store of a URL, `service` adds to the
    /// service what the server has besides it.
    ///
    /// # Errors
    /// When the store can't be opened, or the address not be listened on.
    ///
    /// ```
    /// # use clap::Parser;
    /// # use flux_server::Store;
    /// # use flux_server::command_line::{self, CommandError};
    /// # use flux_server::reducers::aggregate_reducers;
    /// # #[derive(Parser)]
    /// # struct CommandLine { #[command(flatten)] server: command_line::Serve }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), CommandError> {
    /// let arguments = ["notes", "--database-url=sqlite::memory:", "--listen=127.0.0.1:0"];
    /// let server = CommandLine::parse_from(arguments).server;
    /// let builder = |url| Store::builder(aggregate_reducers([]), url);
    /// let listening = server.listen(builder, |service| service).await?;
    /// println!("at http://{}", listening.address());
    /// # let terminated = || std::future::ready(());
    /// listening.run(terminated()).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn listen(
        self,
        builder: impl FnOnce(String) -> StoreBuilder,
        service: impl FnOnce(Service) -> Service,
    ) -> Result<Listening, CommandError> {
        let mut service = service(Service::new(builder(self.database.database_url).open().await?));
        if self.allow_anonymous {
            service = service.allow_anonymous();
        }
        if self.inspector {
            service = service.inspector();
        }
        Ok(service.listen(self.listen).await?)
    }
}

/// Ends when the process is asked to: by ctrl-c, or by SIGTERM.
///
/// ```no_run
/// # use flux_server::Listening;
/// # use flux_server::command_line::terminated;
/// # async fn run(listening: Listening) -> Result<(), flux_server::ServeError> {
/// listening.run(terminated()).await
/// # }
/// ```
pub async fn terminated() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    interrupt.await.ok();
}
