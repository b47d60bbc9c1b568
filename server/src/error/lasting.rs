//! Which failures of a database last until somebody mends it: to try again is of no use.

/// Classes and codes of the SQL standard, as PostgreSQL uses them: who may connect, what there is
/// and who may use it. <https://www.postgresql.org/docs/current/errcodes-appendix.html>
const STATES: [&str; 4] = ["28", "3D", "3F", "42"];

/// MySQL has the class 42 for its limits of connections too, which pass.
/// <https://mariadb.com/docs/server/reference/error-codes/mariadb-error-code-reference>
#[cfg(feature = "mysql")]
const MYSQL_NUMBERS: [u16; 8] = [1044, 1045, 1049, 1054, 1142, 1143, 1146, 1227];

/// `ERROR` (no such table or column), `PERM`, `READONLY`, `CORRUPT`, `AUTH`, `NOTADB`.
/// <https://www.sqlite.org/rescode.html>
const SQLITE_CODES: [i32; 6] = [1, 3, 8, 11, 23, 26];

/// The characters of a code of the SQL standard; those of SQLite are numbers, and shorter.
const STATE_CHARACTERS: usize = 5;

pub(super) fn is_lasting(error: &sqlx::Error) -> bool {
    let Some(error) = error.as_database_error() else { return false };
    #[cfg(feature = "mysql")]
    if let Some(error) = error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
        return MYSQL_NUMBERS.contains(&error.number());
    }
    let Some(code) = error.code() else { return false };
    if code.len() == STATE_CHARACTERS {
        return STATES.iter().any(|class| code.starts_with(class));
    }
    code.parse::<i32>().is_ok_and(|code| SQLITE_CODES.contains(&(code & 0xff)))
}
