//! The history of documents: what changed them, and what they were before and after.

use flux_server::reducers::{Action, Collection, Query, Reduction, Uuid, lift};
use flux_server::{Compared, Difference, HistoryQuery};

use crate::contract::time::{Page, fill};
use crate::databases::Database;
use crate::tasks::*;

pub(crate) async fn every_change_of_a_document_is_told(database: Database) {
    let store = database.builder(reducer()).keep_history().open().await.unwrap();
    let events = [added(1), added(2), TaskDone { id: 1 }, ListCleared { list: 1 }, added(1)];
    let recorded = store.dispatch_all(&events).await.unwrap();
    store.dispatch(&action(&TaskDone { id: 1 }).with_meta("user", "ann")).await.unwrap();
    let done = Task { done: true, ..task(1) };
    let changes = store.history::<Task>(1).await.unwrap();
    let told: Vec<_> =
        changes.iter().map(|it| (it.event.position, it.before.clone(), it.after.clone())).collect();
    let expected = [
        (1, None, Some(task(1))),
        (3, Some(task(1)), Some(done.clone())),
        (4, Some(done.clone()), None),
        (5, None, Some(task(1))),
        (6, Some(task(1)), Some(done)),
    ];
    assert_eq!(told, expected);
    assert_eq!(changes[0].event, *recorded[0]);
    assert_eq!(changes[4].event.meta.as_ref().unwrap().as_value()["user"], "ann");
    assert_eq!(store.history::<Task>(3).await.unwrap(), []);
    // A document that was only ever touched by others' events has none of its own.
    assert_eq!(store.history::<Task>(2).await.unwrap().len(), 1);
}

pub(crate) async fn a_history_is_read_page_by_page(database: Database) {
    let store = database.builder(reducer()).keep_history().open().await.unwrap();
    let events = [added(1), added(2), TaskDone { id: 1 }, ListCleared { list: 1 }, added(1)];
    store.dispatch_all(&events).await.unwrap();
    store.dispatch(&TaskDone { id: 1 }).await.unwrap();
    let page = |query| store.history_of("tasks", 1.into(), query);
    let all = page(HistoryQuery::default()).await.unwrap();
    let positions: Vec<_> = all.iter().map(|change| change.event.position).collect();
    assert_eq!(positions, [1, 3, 4, 5, 6]);
    for before in 0..=7 {
        let earlier: Vec<_> = all.iter().filter(|it| it.event.position < before).cloned().collect();
        for limit in 1..=6 {
            let last = &earlier[earlier.len().saturating_sub(limit)..];
            let query = HistoryQuery::default().before(before).limit(limit as u64);
            assert_eq!(page(query).await.unwrap(), last, "{limit} before {before}");
        }
    }
}

pub(crate) async fn a_history_that_somebody_changed_is_found(database: Database) {
    let store = database.builder(reducer()).keep_history().open().await.unwrap();
    fill(&store, 0..60).await;
    assert!(store.verify().await.unwrap().is_sound());
    let history = database.table("flux_history");
    let id = "SELECT MAX(position) AS position FROM";
    let last = format!("SELECT position FROM ({id} {history}) AS last");
    let forged = r#"{"id":99,"title":"forged","list":null,"done":false}"#;
    let quote = if database.url().starts_with("mysql") { '`' } else { '"' };
    let before = format!("{quote}before{quote} = '{forged}'");
    database.run(format!("UPDATE {history} SET {before} WHERE position = ({last})")).await;
    let found = store.verify().await.unwrap();
    assert!(!found.is_sound() && found.first[0].collection == "flux_history", "{found:?}");
    database.run(format!("DELETE FROM {history} WHERE position = ({last})")).await;
    let missing = store.verify().await.unwrap().first;
    assert!(!missing.is_empty() && missing.iter().all(|it| it.found.is_none()), "{missing:?}");
    for outside in [-7, 1_000] {
        let first =
            format!("SELECT position FROM (SELECT MIN(position) AS position FROM {history}");
        let first = format!("{first} WHERE position BETWEEN 1 AND 999) AS first");
        let moved = format!("UPDATE {history} SET position = {outside}");
        database.run(format!("{moved} WHERE position = ({first})")).await;
        let found = store.verify().await.unwrap().first;
        let is_it = |it: &Difference| it.position == outside && it.found.is_some();
        assert!(found.iter().any(is_it), "{found:?}");
    }
}

pub(crate) async fn what_can_not_be_read_is_told_beside_what_differs(database: Database) {
    let store = database.builder(reducer()).keep_history().open().await.unwrap();
    fill(&store, 0..60).await;
    let (tasks, history) = (database.table("tasks"), database.table("flux_history"));
    let quote = if database.url().starts_with("mysql") { '`' } else { '"' };
    database.run(format!("UPDATE {history} SET {quote}before{quote} = '{{'")).await;
    let first = format!("SELECT id FROM (SELECT MIN(id) AS id FROM {tasks}) AS first");
    database.run(format!("UPDATE {tasks} SET title = 'other' WHERE id = ({first})")).await;
    let found = store.verify().await.unwrap();
    assert_eq!((found.differences, found.first[0].compared), (1, Compared::Documents));
    assert_eq!((found.broken.len(), found.broken[0].compared), (1, Compared::History), "{found:?}");
    assert!(found.broken[0].reason.contains("flux_history"), "{found:?}");
    assert!(!found.is_sound());
}

pub(crate) async fn the_history_is_kept_from_the_beginning_or_not_at_all(database: Database) {
    let without = database.fresh();
    let store = without.open().await;
    let error = store.history::<Task>(1).await.unwrap_err();
    assert_eq!(error.code(), "history_not_kept");
    let error = without.builder(reducer()).keep_history().open().await.unwrap_err();
    assert_eq!(error.code(), "history_not_kept", "what the other one writes would be missing");
    store.dispatch(&added(1)).await.unwrap();
    let error = without.builder(reducer()).keep_history().open().await.unwrap_err();
    assert_eq!(error.code(), "history_not_kept");

    let store = database.builder(reducer()).keep_history().open().await.unwrap();
    store.dispatch(&added(1)).await.unwrap();
    store.close().await;
    // A server that does not ask for it keeps it all the same.
    let store = database.open().await;
    store.dispatch(&TaskDone { id: 1 }).await.unwrap();
    assert_eq!(store.history::<Task>(1).await.unwrap().len(), 2);
}

pub(crate) async fn documents_with_any_id_have_a_history(database: Database) {
    let pages = lift(|pages: &Collection<Page>, action: &Action| -> Reduction {
        let id = action.payload.as_ref().and_then(|it| it.as_value().as_str()).unwrap_or_default();
        Ok(match pages.find_by_id(id)? {
            None => pages.create(Page { id: id.to_owned(), text: String::new() }),
            Some(_) => pages.update_by_id(id, Page::patch().text(action.event_type.clone())),
        })
    });
    let store = database.builder(pages).keep_history().open().await.unwrap();
    let long = "\u{10000}".repeat(511);
    let ids = [
        "",
        "/",
        "a",
        "a/0/b",
        "a/1",
        "a/",
        "a/b",
        "a0",
        "a!",
        "A",
        "\u{10ffff}",
        &long,
        &format!("{long}x"),
    ];
    for event_type in ["written", "edited"] {
        for id in ids {
            let action = Action::new(event_type).with_payload(id);
            store.dispatch(&action.with_id(Uuid::now_v7())).await.unwrap();
        }
    }
    for id in ids {
        let changes = store.history::<Page>(id).await.unwrap();
        let texts: Vec<_> =
            changes.iter().filter_map(|it| Some(it.after.as_ref()?.text.as_str())).collect();
        assert_eq!(texts, ["", "edited"], "of {id:?}");
        assert!(changes.iter().all(|it| it.after.as_ref().is_some_and(|page| page.id == id)));
    }
    let half = store.at(i64::try_from(ids.len()).unwrap()).await.unwrap();
    let pages = half.find_all::<Page>(Query::all()).await.unwrap();
    assert!(pages.len() == ids.len() && pages.iter().all(|page| page.text.is_empty()));
}
