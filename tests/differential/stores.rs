//! The store on each database: two servers of it, so that what one knows grows old.

use flux_reducers::{Query, Reducer, Uuid};
use flux_server::{Dispatch, Error, LogQuery, Store};
use futures_util::future::join_all;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

use crate::model::Answer;

/// The two servers of one database.
pub(crate) struct Servers {
    pub(crate) name: &'static str,
    servers: Vec<Store>,
    /// The folder of a SQLite file, gone with it.
    _folder: Option<TempDir>,
}

/// Opens stores with tables of their own in each database.
pub(crate) async fn open_all(reducer: &Reducer) -> Vec<Servers> {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }.unwrap();
    let file = format!("sqlite://{}", folder.path().join("test.db").display());
    let all = [
        ("SQLite", file, Some(folder)),
        ("PostgreSQL", of_environment("TEST_POSTGRES_URL"), None),
        ("MariaDB", of_environment("TEST_MYSQL_URL"), None),
    ];
    join_all(all.map(|(name, url, folder)| Servers::open(name, url, folder, reducer))).await
}

fn of_environment(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!(
            "{variable} is not set: run `cargo xtask test differential`, which starts the \
             databases, or `cargo xtask databases` and set what it prints"
        )
    })
}

impl Servers {
    async fn open(
        name: &'static str,
        url: String,
        folder: Option<TempDir>,
        reducer: &Reducer,
    ) -> Self {
        let random = Uuid::now_v7().simple().to_string();
        let namespace = format!("d{}", &random[random.len() - 11..]);
        let mut servers = Vec::new();
        for _ in 0..2 {
            let builder = Store::builder(reducer.clone(), &url).namespace(&namespace);
            // Nobody subscribes.
            let store = builder.poll_interval(Duration::from_secs(3600)).open().await;
            servers.push(store.unwrap_or_else(|error| panic!("{name}: {error}")));
        }
        Self { name, servers, _folder: folder }
    }

    /// Dispatches all at the same time; those before are taken before.
    pub(crate) async fn dispatch(&self, server: usize, dispatches: &[Dispatch]) -> Vec<Answer> {
        let store = &self.servers[server];
        let answers = dispatches.iter().map(async |dispatch| {
            let recorded = store.dispatch_together(dispatch.clone()).await?;
            Ok(recorded.iter().map(|event| (**event).clone()).collect())
        });
        join_all(answers).await
    }

    /// Reads with several queries at once.
    pub(crate) async fn read(
        &self,
        server: usize,
        queries: &[(&str, Query)],
    ) -> Result<flux_server::Snapshot<Vec<Vec<flux_reducers::Row>>>, Error> {
        self.servers[server].read(queries).await
    }

    /// Returns the log after a position.
    pub(crate) async fn log(&self, server: usize, after: i64) -> Answer {
        let query = LogQuery::default().after(after).limit(1000);
        Ok(self.servers[server].events(query).await?.documents)
    }

    pub(crate) async fn close(&self) {
        for server in &self.servers {
            server.close().await;
        }
    }
}
