//! Layers on dispatch: their order, what they change, what they refuse.

use std::sync::{Arc, Mutex};

use flux_server::reducers::Rejection;
use flux_server::{Dispatch, DispatchService, Error, Store};
use tower::ServiceExt as _;
use tower::layer::layer_fn;
use tower::util::MapRequestLayer;

use crate::tasks::*;

fn noting(
    notes: &Arc<Mutex<Vec<&'static str>>>,
    name: &'static str,
) -> MapRequestLayer<impl Fn(Dispatch) -> Dispatch + Clone + Send + Sync + 'static> {
    let notes = Arc::clone(notes);
    MapRequestLayer::new(move |dispatch| {
        notes.lock().unwrap().push(name);
        dispatch
    })
}

#[tokio::test]
async fn the_first_layer_is_the_outermost() {
    let notes = Arc::default();
    let store = builder("sqlite::memory:")
        .layer(noting(&notes, "first"))
        .layer(noting(&notes, "second"))
        .open()
        .await
        .unwrap();
    store.dispatch(&added(1)).await.unwrap();
    assert_eq!(*notes.lock().unwrap(), ["first", "second"]);
}

#[tokio::test]
async fn a_layer_can_refuse_and_change_what_is_dispatched() {
    let sign = MapRequestLayer::new(|mut dispatch: Dispatch| {
        for action in &mut dispatch.actions {
            *action = std::mem::take(action).with_meta("user", "ann");
        }
        dispatch
    });
    let no_clearing = layer_fn(|inner: DispatchService| {
        inner.filter(|dispatch: Dispatch| {
            if dispatch.actions.iter().any(|action| action.event_type == "listCleared") {
                return Err(Error::from(Rejection::new("forbidden", "not here")));
            }
            Ok(dispatch)
        })
    });
    let store = builder("sqlite::memory:").layer(sign).layer(no_clearing).open().await.unwrap();
    let event = store.dispatch(&added(1)).await.unwrap();
    assert_eq!(event.meta.as_ref().unwrap().as_value()["user"], "ann");
    let refused = store.dispatch(&ListCleared { list: 1 }).await.unwrap_err();
    assert_eq!(refused.code(), "forbidden");
    assert_eq!(store.position().await.unwrap(), 1);
}

#[tokio::test]
async fn a_panic_of_a_reducer_fails_its_dispatch_and_the_store_goes_on() {
    let store = in_memory().await;
    let error = store.dispatch(&Panicked).await.unwrap_err();
    assert_eq!(error.code(), "reducer_panicked");
    store.dispatch(&added(1)).await.unwrap();
    verify(&store).await;
}

#[tokio::test]
async fn a_replay_runs_no_layer_and_tells_no_subscriber() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("test.db").display());
    let notes = Arc::default();
    let store = builder(&url).keep_history().layer(noting(&notes, "layer")).open().await.unwrap();
    let mut events = store.subscribe().unwrap();
    store.dispatch_all(&[added(1), added(2)]).await.unwrap();
    assert_eq!(events.next().await.unwrap().unwrap().len(), 2);

    store.at(1).await.unwrap();
    store.take_missing_snapshots(1).await.unwrap();
    assert!(store.verify().await.unwrap().is_sound());
    let newer = Store::builder(reducer().with_version(2), url).keep_history();
    let rebuilt = newer.layer(noting(&notes, "layer")).rebuild(|_| {}).await.unwrap();
    assert_eq!(*notes.lock().unwrap(), ["layer"]);
    let mut of_rebuilt = rebuilt.subscribe().unwrap();
    rebuilt.dispatch(&added(3)).await.unwrap();
    assert_eq!(*notes.lock().unwrap(), ["layer", "layer"]);
    assert_eq!(of_rebuilt.next().await.unwrap().unwrap()[0].position, 3);
    store.close().await;
    while let Some(batch) = events.next().await.unwrap() {
        assert!(batch.iter().all(|event| event.position > 2));
    }
}
