//! The notes sample: its store, its commands, its web page.

#![forbid(unsafe_code)]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use flux_server::reducers::lift;
use flux_server::{Service, Store};
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
    /// The folder of the built web page.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../web/dist"))]
    web: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let Command::Serve(options) = CommandLine::parse().command;
    web::warn_if_missing(&options.web);
    match serve(options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

// ANCHOR: store
async fn serve(options: Serve) -> Result<(), Box<dyn std::error::Error>> {
    let store = Store::builder(lift(notes_reducers::notes), options.database_url)
        .layer(moderation::without_passwords())
        .open()
        .await?;
    let mut service = commands::add_to(Service::new(store));
    if options.allow_anonymous {
        service = service.allow_anonymous();
    }
    let service = service.mount(move |api| web::page_with_api(&options.web, api));
    let listening = service.listen(options.listen).await?;
    tracing::info!("notes are at http://{}", listening.address());
    Ok(listening.run(terminated()).await?)
}
// ANCHOR_END: store

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
