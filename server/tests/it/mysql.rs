//! What only MySQL and MariaDB need: there tables that are made are not taken back.

use flux_server::Error;

use crate::databases::Database;
use crate::tasks::{self, added};

#[tokio::test]
async fn tables_that_a_store_left_half_made_are_made_anew() {
    let database = Database::mysql();
    for name in ["events", "flux_schemas", "tasks"] {
        let table = database.table(name);
        database.run(format!("CREATE TABLE {table} (id INT) COMMENT = 'Flux Capacitor'")).await;
    }
    let generations = database.table("flux_generations");
    let made = format!("CREATE TABLE {generations} (id INT) COMMENT = 'Flux Capacitor'");
    database.run(made).await;
    database.run(format!("INSERT INTO {generations} VALUES (0)")).await;
    database.open().await.dispatch(&added(1)).await.unwrap();
}

#[tokio::test]
async fn a_table_with_rows_is_never_taken_for_half_made() {
    let database = Database::mysql();
    database.open().await.dispatch(&added(1)).await.unwrap();
    database.run(format!("DROP TABLE {}", database.table("flux_head"))).await;
    database.run(format!("DELETE FROM {}", database.table("flux_generations"))).await;
    let error = database.refusal(tasks::reducer()).await;
    assert!(matches!(error, Error::TableInTheWay { .. }), "{error}");
}

#[tokio::test]
async fn a_url_without_a_database_is_told() {
    let database = Database::mysql();
    let (server, _) = database.url().rsplit_once('/').unwrap();
    let error = Database::at(server.to_owned()).refusal(tasks::reducer()).await;
    assert_eq!(error.code(), "database_unsuitable");
    assert!(error.to_string().contains("no database"), "{error}");
}
