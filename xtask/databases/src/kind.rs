//! The kinds of servers, and what differs between them beside their programs.

use crate::programs;

/// A kind of database server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Or MySQL, where only that is installed.
    MariaDb,
    /// PostgreSQL.
    Postgres,
}

impl Kind {
    /// Returns whether all of its programs are found.
    #[must_use]
    pub fn is_installed(self) -> bool {
        match self {
            Self::MariaDb => programs::mariadb().is_some(),
            Self::Postgres => programs::postgres().is_some(),
        }
    }

    /// Returns which programs must be there, as the end of "the tests need ..".
    #[must_use]
    pub const fn needs(self) -> &'static str {
        match self {
            Self::MariaDb => {
                "MariaDB, with `mariadbd`, `mariadb-install-db` and `mariadb` on the PATH"
            }
            Self::Postgres => "PostgreSQL, with `initdb`, `postgres` and `psql` on the PATH",
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::MariaDb => "MariaDB",
            Self::Postgres => "PostgreSQL",
        }
    }

    /// The user that the package creates: the servers refuse to run as root.
    pub(crate) const fn system_user(self) -> &'static str {
        match self {
            Self::MariaDb => "mysql",
            Self::Postgres => "postgres",
        }
    }

    /// Ends the server without waiting for its clients.
    pub(crate) const fn stop_signal(self) -> &'static str {
        match self {
            Self::MariaDb => "TERM",
            Self::Postgres => "INT",
        }
    }
}
