//! Encrypted connections, to servers of our own.

use flux_server::Store;
use flux_test_databases::{Kind, Server};

use crate::tasks::*;

async fn opens_encrypted(kind: Kind, option: &str) {
    let server = Server::start(kind).unwrap();
    let store = Store::open(reducer(), format!("{}?{option}", server.url())).await.unwrap();
    store.dispatch(&added(1)).await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn postgres_is_reached_encrypted() {
    opens_encrypted(Kind::Postgres, "sslmode=require").await;
}

#[tokio::test]
async fn mysql_is_reached_encrypted() {
    opens_encrypted(Kind::MariaDb, "ssl-mode=REQUIRED").await;
}
