//! Private database servers: fresh at the start, killed and started again at will, gone at the end.
//!
//! It finds the programs of PostgreSQL and MariaDB, or MySQL, and installs nothing:
//! `cargo xtask tools` does.
//!
//! ```no_run
//! use flux_test_databases::{Kind, Server};
//!
//! # fn main() -> anyhow::Result<()> {
//! let mut server = Server::start(Kind::Postgres)?;
//! println!("{}", server.url());
//! server.kill()?;
//! server.start_again()?;
//! # Ok(())
//! # }
//! ```

mod folder;
mod kind;
mod mariadb;
mod postgres;
mod programs;
mod server;

pub use kind::Kind;
pub use server::Server;
