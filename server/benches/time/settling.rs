//! What a database does by itself after many writes, done before anything is measured.

use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection as _, Executor as _};

use crate::Place;

/// Lets the database finish now what it would else do beside the part that is measured next.
pub(crate) async fn settle(place: &Place) {
    match place.scheme() {
        "postgres" => {
            let mut connection = PgConnection::connect(&place.url).await.unwrap();
            // Each by itself: neither can be in a transaction.
            for statement in ["VACUUM (ANALYZE)", "CHECKPOINT"] {
                connection.execute(statement).await.unwrap();
            }
        }
        "sqlite" => {
            let mut connection = SqliteConnection::connect(&place.url).await.unwrap();
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").await.unwrap();
        }
        // MariaDB's purge and flushes can't be waited for.
        _ => {}
    }
}
