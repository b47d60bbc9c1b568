//! The notes sample: its store, its commands, its web page.

#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use flux_server::command_line::{self, CommandError, Outcome, terminated};
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
    Store(command_line::Command),
}

#[derive(Debug, Args)]
#[command(mut_arg("database_url", |url| url.default_value("sqlite://notes.db")))]
struct Serve {
    #[command(flatten)]
    server: command_line::Serve,
    /// The folder of the built web page
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../web/dist"))]
    web: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let done = match CommandLine::parse().command {
        Command::Serve(options) => serve(options).await,
        Command::Store(command) => command.run(store).await,
    };
    match done {
        Ok(outcome) => outcome.exit_code().into(),
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

// ANCHOR: store
async fn serve(Serve { server, web }: Serve) -> Result<Outcome, CommandError> {
    web::warn_if_missing(&web);
    let service = |service: Service| {
        commands::add_to(service).mount(move |api| web::page_with_api(&web, api))
    };
    let listening = server.listen(store, service).await?;
    tracing::info!("notes are at http://{}", listening.address());
    listening.run(terminated()).await?;
    Ok(Outcome::Done)
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
