//! The notes sample: its store, its commands, its web page.

#![forbid(unsafe_code)]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use flux_server::reducers::lift;
use flux_server::{OnChange, Service, SnapshotPolicy, Store, StoreBuilder};
use tracing_subscriber::EnvFilter;

mod commands;
mod moderation;
mod web;

/// The notes sample of Flux Capacitor.
#[derive(Debug, Parser)]
#[command(version)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves the web page at / and the API under /api.
    Serve(Serve),
    #[command(flatten)]
    Store(flux_server::command_line::Command),
}

#[derive(Debug, Args)]
struct Serve {
    /// The database, such as sqlite://notes.db or sqlite::memory:
    #[arg(long, env = "DATABASE_URL", default_value = "sqlite://notes.db")]
    database_url: String,
    /// The address; beyond this machine only with --allow-anonymous.
    #[arg(long, env = "LISTEN", default_value = "127.0.0.1:4000")]
    listen: SocketAddr,
    /// Lets everybody who reaches the address read and change all notes.
    #[arg(long)]
    allow_anonymous: bool,
    /// Serves a page at /api/inspector to look into the store with.
    #[arg(long)]
    inspector: bool,
    /// The folder of the built web page.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../web/dist"))]
    web: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let done = match CommandLine::parse().command {
        Command::Serve(options) => serve(options).await.map(|()| ExitCode::SUCCESS),
        Command::Store(command) => {
            let done = command.run(store).await;
            done.map(|outcome| outcome.exit_code().into()).map_err(Into::into)
        }
    };
    done.unwrap_or_else(|error| {
        tracing::error!("{error}");
        ExitCode::FAILURE
    })
}

// ANCHOR: store
async fn serve(options: Serve) -> Result<(), Box<dyn std::error::Error>> {
    web::warn_if_missing(&options.web);
    let store = store(options.database_url).open().await?;
    let mut service = commands::add_to(Service::new(store));
    if options.allow_anonymous {
        service = service.allow_anonymous();
    }
    if options.inspector {
        service = service.inspector();
    }
    let service = service.mount(move |api| web::page_with_api(&options.web, api));
    let listening = service.listen(options.listen).await?;
    tracing::info!("notes are at http://{}", listening.address());
    Ok(listening.run(terminated()).await?)
}
// ANCHOR_END: store

/// The store of the notes: it keeps every change of them, and a place to begin each replay at.
fn store(database_url: String) -> StoreBuilder {
    Store::builder(lift(notes_reducers::notes), database_url)
        .layer(moderation::without_passwords())
        .keep_history()
        .snapshots(SnapshotPolicy::default().every_events(10_000))
        .on_change(OnChange::Rebuild)
}

/// Ends when the process is asked to: by ctrl-c, or by SIGTERM.
async fn terminated() {
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
