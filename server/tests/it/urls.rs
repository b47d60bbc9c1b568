//! URLs and namespaces that are none: clear errors at start.

use flux_server::{Error, Store};

use crate::tasks;

async fn refusal(url: &str) -> Error {
    Store::open(tasks::reducer(), url).await.unwrap_err()
}

#[tokio::test]
async fn a_url_of_no_database_is_told() {
    for url in ["", "notes.db", "oracle://x", "sqlite://a.db?mode=x", "postgres://a:b:c"] {
        assert_eq!(refusal(url).await.code(), "url_invalid", "{url}");
    }
    assert!(refusal("notes.db").await.to_string().contains("`notes.db`"));
    let folder = tempfile::tempdir().unwrap();
    let error = refusal(&format!("sqlite://{}", folder.path().display())).await;
    assert!(error.code() == "url_invalid" && error.to_string().contains("is a folder"), "{error}");
    let error = refusal("sqlite:///no/such/folder/notes.db").await;
    assert_eq!(error.code(), "url_invalid");
    assert!(error.to_string().contains("`/no/such/folder` does not exist"), "{error}");
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_told_in_bounded_time() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = unused.local_addr().unwrap();
    drop(unused);
    for url in
        [format!("postgres://flux@{address}/flux"), format!("mysql://flux:secret@{address}/flux")]
    {
        let error = refusal(&url).await;
        assert_eq!(error.code(), "database_failed", "{url}");
        assert!(error.is_retryable());
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn another_server_at_the_port_is_told() {
    let mariadb = std::env::var("TEST_MYSQL_URL").unwrap();
    let error = refusal(&mariadb.replace("mysql://", "postgres://")).await;
    assert_eq!(error.code(), "url_invalid");
    assert!(error.to_string().contains("what answers there is no PostgreSQL"), "{error}");
}

#[tokio::test]
async fn a_database_that_there_is_not_is_told_in_its_words() {
    for variable in ["TEST_POSTGRES_URL", "TEST_MYSQL_URL"] {
        let url = std::env::var(variable).unwrap();
        let (server, _) = url.rsplit_once('/').unwrap();
        let error = refusal(&format!("{server}/no_such_database")).await;
        assert!(error.code() == "database_unusable" && !error.is_retryable(), "{error}");
        assert!(error.to_string().contains("no_such_database"), "{error}");
        assert!(!error.to_string().contains(" line "), "{error}");
    }
}

#[tokio::test]
async fn a_password_is_in_no_message() {
    for url in ["postgres://ann:secret@host/flux", "mysql://host/flux?password=secret"] {
        let builder = tasks::builder(url);
        assert!(!format!("{builder:?}").contains("secret"), "{builder:?}");
    }
    for url in ["postgres://ann:secret@host:x/flux", "mysql://ann:secret@host:x/flux"] {
        let error = refusal(url).await;
        assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
    }
    for variable in ["TEST_POSTGRES_URL", "TEST_MYSQL_URL"] {
        let url = std::env::var(variable).unwrap();
        let store = tasks::builder(&url).namespace("password").open().await.unwrap();
        assert!(!format!("{store:?}").contains("flux"), "{store:?}");
        store.close().await;
    }
}

#[tokio::test]
async fn a_namespace_that_is_no_name_is_told() {
    for namespace in ["", "Acme", "a_b", "1a", "a\"b", "abcdefghijklm"] {
        let builder = tasks::builder("sqlite::memory:").namespace(namespace);
        assert_eq!(builder.open().await.unwrap_err().code(), "namespace_invalid", "{namespace}");
    }
}
