//! The project's own commands, run as `cargo xtask`; see `cargo xtask help`.
#![allow(
    clippy::print_stdout,
    reason = "a command line tool speaks to its user on standard output"
)]

mod bench;
mod closing_proxy;
mod databases;
mod demo;
mod npm;
mod packaging;
mod steps;
mod test;
mod tidy;
mod tools;
mod wasm;

use std::{env, net::SocketAddr, path::Path, process::ExitCode};

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use xshell::Shell;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's own commands")]
enum Command {
    /// Measures one thing, or all, and prints tables for BENCHMARKS.md
    Bench {
        #[command(subcommand)]
        what: Option<Benchmark>,
    },
    /// Starts fresh database servers for `cargo test` by hand, until ctrl-c
    Databases,
    /// Builds the notes sample and serves it, installing what is missing
    Demo {
        /// Address to listen on
        #[arg(long, default_value = "127.0.0.1:4000")]
        listen: SocketAddr,
        /// Where the notes are kept
        #[arg(long, default_value = "sqlite://notes.db")]
        database_url: String,
    },
    /// Runs everything that CI runs, or only the named steps
    Test {
        /// Names of steps; all of them when none is given
        #[arg(value_name = "STEP")]
        steps: Vec<String>,
        /// Lists the steps and runs none
        #[arg(long)]
        list: bool,
    },
    /// Checks the house rules that no compiler checks
    Tidy {
        /// Rewrites the snippets in the Markdown files from the sources
        #[arg(long)]
        fix: bool,
    },
    /// Installs every tool that the other commands need and that is missing
    Tools,
}

#[derive(Subcommand)]
enum Benchmark {
    /// Dispatches of the store beside group commit by hand, on each database
    Dispatch {
        /// `only=sqlite`, `only=postgres`, `only=mysql`, `log=0`, `callers=1,64`, `seconds=10` each
        #[arg(last = true, value_name = "NAME=VALUE")]
        options: Vec<String>,
    },
    /// Replay, the time machine and a rebuild beside 64 callers, on each database
    Time {
        /// `only=sqlite`, `only=postgres`, `only=mysql`, `log=100000`, `seconds=20` of callers
        #[arg(last = true, value_name = "NAME=VALUE")]
        options: Vec<String>,
    },
    /// The reducer of the notes in WebAssembly beside other reducers, under Node.js and in Chromium
    Frontend {
        /// `only=node`, `only=chromium`, `documents=100,1000`, `seconds=60` for each runtime
        #[arg(last = true, value_name = "NAME=VALUE")]
        options: Vec<String>,
    },
}

fn main() -> ExitCode {
    match run(Command::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The causes alone: a backtrace through this tool helps nobody.
            let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
            eprintln!("\nerror: {}", causes.join("\n  because: "));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    let shell = project_shell()?;
    match command {
        Command::Bench { what: None } => bench::all(&shell),
        Command::Bench { what: Some(what) } => match what {
            Benchmark::Dispatch { options } => bench::dispatch(&shell, &options),
            Benchmark::Time { options } => bench::time(&shell, &options),
            Benchmark::Frontend { options } => bench::frontend(&shell, &options),
        },
        Command::Databases => databases::serve(&shell),
        Command::Demo { listen, database_url } => demo::serve(&shell, listen, &database_url),
        Command::Test { list: true, .. } => {
            test::list();
            Ok(())
        }
        Command::Test { steps, .. } => test::run(&shell, &steps),
        Command::Tidy { fix } => tidy::run(&shell, fix),
        Command::Tools => tools::ensure(&shell, tools::ALL),
    }
}

/// Returns a shell in the project's folder that finds the tools of cargo and npm.
fn project_shell() -> anyhow::Result<Shell> {
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask has no parent folder")?;
    let cargo_home = env::var_os("CARGO_HOME")
        .map(Into::into)
        .or_else(|| env::home_dir().map(|home| home.join(".cargo")))
        .context("set HOME or CARGO_HOME: cargo installs its tools there")?;
    let mut folders = vec![root.join("node_modules/.bin"), cargo_home.join("bin")];
    folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));

    let shell = Shell::new()?;
    shell.change_dir(root);
    shell.set_var("PATH", env::join_paths(folders)?);
    Ok(shell)
}
