//! Dispatch: atomic, in order, idempotent, by many callers at once.

use std::sync::Arc;

use flux_server::reducers::{
    Action, Collection, Document, Json, Query, Reduction, Timestamp, Uuid, lift,
};
use flux_server::{Error, LogQuery};

use crate::contract::dispatched;
use crate::databases::Database;
use crate::tasks::*;

pub(crate) async fn an_event_is_reduced_applied_and_logged(database: Database) {
    let store = database.open().await;
    let event = store.dispatch(&added(1)).await.unwrap();
    assert_eq!((event.position, event.event_type.as_str()), (1, "taskAdded"));
    assert_eq!(store.find_by_id::<Task>(1_i64).await.unwrap(), Some(task(1)));
    let log = store.events(LogQuery::default()).await.unwrap();
    assert_eq!((log.position, log.documents), (1, vec![(*event).clone()]));
}

pub(crate) async fn an_unknown_event_type_is_logged_and_changes_nothing(database: Database) {
    let store = database.open().await;
    store.dispatch(&Action::new("somethingElse")).await.unwrap();
    assert_eq!(store.position().await.unwrap(), 1);
    verify(&store).await;
}

pub(crate) async fn a_dispatch_of_several_events_is_all_or_nothing(database: Database) {
    let store = database.open().await;
    let error = store.dispatch_all(&[added(1), added(2), added(1)]).await.unwrap_err();
    assert!(matches!(error, Error::Rejected { event: 2, .. }), "{error}");
    assert_eq!(error.code(), "document_exists");
    assert_eq!(store.position().await.unwrap(), 0);
    assert_eq!(store.find_all::<Task>(Query::all()).await.unwrap(), []);
}

pub(crate) async fn each_event_of_a_dispatch_sees_those_before_it(database: Database) {
    let store = database.open().await;
    store.dispatch_all(&[added(1), TaskDone { id: 1 }]).await.unwrap();
    assert!(store.find_by_id::<Task>(1_i64).await.unwrap().unwrap().done);
}

pub(crate) async fn a_dispatch_of_nothing_records_nothing(database: Database) {
    let store = database.open().await;
    assert_eq!(store.dispatch_all::<Action>([]).await.unwrap(), []);
    assert_eq!(store.position().await.unwrap(), 0);
}

pub(crate) async fn events_larger_than_a_statement_are_written_in_several(database: Database) {
    let store = database.open().await;
    let large = Action::new("large").with_payload("x".repeat(700_000));
    let recorded = store.dispatch_all(&vec![large; 40]).await.unwrap();
    assert_eq!(recorded.last().unwrap().position, 40);
    let many = vec![Action::new("small"); 1000];
    store.dispatch_all(&many).await.unwrap();
    verify(&store).await;
}

pub(crate) async fn a_dispatch_with_too_many_events_is_refused(database: Database) {
    let store = database.open().await;
    let events: Vec<_> = (0..1001).map(added).collect();
    assert_eq!(store.dispatch_all(&events).await.unwrap_err().code(), "too_many_events");
}

pub(crate) async fn reducers_read_what_is_in_the_database_only(database: Database) {
    let store = database.open().await;
    store.dispatch_all(&(1..=6).map(added).collect::<Vec<_>>()).await.unwrap();
    store.close().await;

    let store = database.open().await;
    store.dispatch(&TaskDone { id: 2 }).await.unwrap();
    store.dispatch(&ListCleared { list: 0 }).await.unwrap();
    assert_eq!(store.dispatch(&TaskDone { id: 3 }).await.unwrap_err().code(), "no_such_task");
    assert_eq!(store.dispatch(&TaskDone { id: 9 }).await.unwrap_err().code(), "no_such_task");
    let ids: Vec<_> =
        store.find_all::<Task>(Query::all()).await.unwrap().iter().map(|it| it.id).collect();
    assert_eq!(ids, [1, 2, 4, 5]);
    assert_eq!(store.position().await.unwrap(), 8);
    verify(&store).await;
}

pub(crate) async fn a_unique_value_is_refused_to_a_second_document_and_free_after_the_first(
    database: Database,
) {
    let store = database.open().await;
    store.dispatch_all(&[added(1), added(2)]).await.unwrap();
    let taken = TaskRenamed { id: 2, title: "task 1".into() };
    assert_eq!(store.dispatch(&taken).await.unwrap_err().code(), "value_taken");
    store.dispatch(&TaskRenamed { id: 1, title: "else".into() }).await.unwrap();
    store.dispatch(&taken).await.unwrap();
    verify(&store).await;
}

pub(crate) async fn unique_values_can_be_swapped_in_one_event(database: Database) {
    let store = database.open().await;
    store.dispatch_all(&[added(1), added(2)]).await.unwrap();
    store.dispatch(&TitlesSwapped { first: 1, second: 2 }).await.unwrap();
    assert_eq!(store.find_by_id::<Task>(1_i64).await.unwrap().unwrap().title, "task 2");
    verify(&store).await;
}

pub(crate) async fn an_event_id_seen_before_is_answered_with_its_first_result(database: Database) {
    let store = database.open().await;
    let first = action(&added(1)).with_id(Uuid::from_u128(1));
    let second = action(&added(2)).with_id(Uuid::from_u128(2));
    let recorded = store.dispatch(&first).await.unwrap();
    assert_eq!(store.dispatch(&first).await.unwrap(), recorded);
    let both = store.dispatch_all(&[first.clone(), second.clone(), second]).await.unwrap();
    assert_eq!(both.iter().map(|it| it.position).collect::<Vec<_>>(), [1, 2, 2]);
    assert_eq!(store.position().await.unwrap(), 2);
}

pub(crate) async fn an_event_id_with_other_content_is_refused(database: Database) {
    let store = database.open().await;
    let id = Uuid::from_u128(1);
    store.dispatch(&action(&added(1)).with_id(id)).await.unwrap();
    let other = action(&added(2)).with_id(id);
    let error = store.dispatch_all(&[action(&added(3)), other]).await.unwrap_err();
    assert!(matches!(error, Error::EventIdTaken { event: 1, position: 1, .. }), "{error}");
    assert_eq!(store.position().await.unwrap(), 1);
}

pub(crate) async fn retries_that_race_record_the_event_once(database: Database) {
    let store = database.open().await;
    let action = action(&added(1)).with_id(Uuid::from_u128(1));
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (store, action) = (store.clone(), action.clone());
        callers.spawn(async move { store.dispatch(&action).await.unwrap().position });
    }
    assert_eq!(callers.join_all().await, vec![1; 50]);
    assert_eq!(store.position().await.unwrap(), 1);
}

pub(crate) async fn many_callers_get_dense_positions_and_only_the_refused_are_refused(
    database: Database,
) {
    let store = database.open().await;
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..64_i64 {
        let store = store.clone();
        callers.spawn(async move {
            let mut refused = 0;
            for round in 0..20 {
                let id = caller * 20 + round;
                store.dispatch(&added(id)).await.unwrap();
                let hot = TaskRenamed { id: caller / 2 * 40, title: format!("{caller} {round}") };
                store.dispatch(&hot).await.unwrap();
                refused += usize::from(store.dispatch(&added(id)).await.is_err());
                refused += usize::from(store.dispatch(&TaskDone { id: -1 }).await.is_err());
            }
            refused
        });
    }
    assert_eq!(callers.join_all().await, vec![40; 64]);
    assert_eq!(store.position().await.unwrap(), 64 * 40);
    verify(&store).await;
}

pub(crate) async fn two_stores_on_one_file_share_one_order(database: Database) {
    let stores = [database.open().await, database.open().await];
    let mut callers = tokio::task::JoinSet::new();
    for (which, store) in stores.iter().cloned().enumerate() {
        callers.spawn(async move {
            for id in 0..50 {
                store.dispatch(&added(id * 2 + i64::try_from(which).unwrap())).await.unwrap();
                store.dispatch(&TaskDone { id: 0 }).await.ok();
            }
        });
    }
    callers.join_all().await;
    let refused = stores[1].dispatch(&added(0)).await.unwrap_err();
    assert_eq!(refused.code(), "document_exists", "the other store's documents are seen");
    verify(&stores[0]).await;
}

pub(crate) async fn time_never_goes_back_in_the_log(database: Database) {
    let store = database.open().await;
    let later = Timestamp::from_milliseconds(4_000_000_000_000).unwrap();
    let from_tomorrow = Action { timestamp: Some(later), ..Action::new("imported") };
    assert_eq!(store.dispatch(&from_tomorrow).await.unwrap().timestamp, later);
    assert_eq!(store.dispatch(&Action::new("now")).await.unwrap().timestamp, later);
    // What was moved on is still the same event when it is dispatched again.
    let earlier = Timestamp::from_milliseconds(1_000_000_000_000).ok();
    let early = Action { timestamp: earlier, ..Action::new("imported") };
    let early = early.with_id(Uuid::from_u128(1));
    let recorded = store.dispatch(&early).await.unwrap();
    assert_eq!(recorded.timestamp, later);
    assert_eq!(store.dispatch(&early).await.unwrap(), recorded);
}

pub(crate) async fn a_caller_that_gives_up_harms_nobody(database: Database) {
    let store = database.open().await;
    for id in 0..50 {
        let event = added(id);
        let dispatch = store.dispatch(&event);
        tokio::select! {
            biased;
            _ = dispatch => {}
            () = tokio::task::yield_now() => {}
        }
    }
    store.dispatch(&added(100)).await.unwrap();
    verify(&store).await;
}

pub(crate) async fn closing_answers_what_waits_and_then_refuses(database: Database) {
    let store = database.open().await;
    let mut callers = tokio::task::JoinSet::new();
    let barrier = Arc::new(tokio::sync::Barrier::new(21));
    for id in 0..20 {
        let (store, barrier) = (store.clone(), Arc::clone(&barrier));
        callers.spawn(async move {
            barrier.wait().await;
            store.dispatch(&added(id)).await
        });
    }
    barrier.wait().await;
    store.close().await;
    let answers = callers.join_all().await;
    let accepted = answers.iter().filter(|answer| answer.is_ok()).count();
    let refused = answers.iter().filter(|answer| matches!(answer, Err(Error::Closed))).count();
    assert_eq!(accepted + refused, 20);
    assert!(matches!(store.dispatch(&added(99)).await, Err(Error::Closed)));

    let store = database.open().await;
    assert_eq!(store.position().await.unwrap(), i64::try_from(accepted).unwrap());
    verify(&store).await;
}

pub(crate) async fn the_log_is_queried_by_position_type_and_end(database: Database) {
    let store = database.open().await;
    store.dispatch_all(&[added(1), added(2), TaskDone { id: 1 }, added(3)]).await.unwrap();
    let positions = async |query: LogQuery| {
        let events = store.events(query).await.unwrap().documents;
        events.iter().map(|event| event.position).collect::<Vec<_>>()
    };
    assert_eq!(positions(LogQuery::default().after(2)).await, [3, 4]);
    assert_eq!(positions(LogQuery::default().event_type("taskAdded")).await, [1, 2, 4]);
    assert_eq!(positions(LogQuery::default().descending().limit(2)).await, [4, 3]);
    assert_eq!(positions(LogQuery::default().limit(0)).await, [0; 0]);
}

pub(crate) async fn an_event_larger_than_the_database_takes_is_refused_and_others_go_on(
    database: Database,
) {
    let store = database.open().await;
    let large = Action::new("large").with_payload("x".repeat(20_000_000));
    let small = [added(1), added(2), added(3)];
    let (large, small) = tokio::join!(
        store.dispatch(&large),
        futures_util::future::join_all(small.iter().map(|event| store.dispatch(event))),
    );
    assert!(small.iter().all(Result::is_ok), "{small:?}");
    match large {
        Ok(_) => assert_eq!(store.position().await.unwrap(), 4),
        Err(error) => {
            assert!(matches!(error, Error::TooLarge { collection: "events", .. }), "{error}");
            assert!(!error.is_retryable());
            assert_eq!(store.position().await.unwrap(), 3);
        }
    }
    store.dispatch(&added(4)).await.unwrap();
    verify(&store).await;
}

pub(crate) async fn a_dispatch_that_reads_without_end_takes_nobody_along(database: Database) {
    let store = database.open().await;
    let endless = store.dispatch(&AllRead);
    let (endless, others) = tokio::join!(endless, dispatched(&store, 0..64));
    let error = endless.unwrap_err();
    assert!(error.code() == "reads_without_end" && !error.is_retryable(), "{error}");
    for (id, result) in others {
        result.unwrap_or_else(|error| panic!("task {id}: {error}"));
    }
    verify(&store).await;
}

#[derive(Clone, Debug, PartialEq, Document)]
#[document(collection = "pages")]
pub(crate) struct Page {
    pub(crate) id: i64,
    pub(crate) edits: i64,
    pub(crate) text: String,
}

/// `pageWritten` makes a page of so many characters, `pageEdited` counts its edits.
fn pages(pages: &Collection<Page>, action: &Action) -> Reduction {
    let payload = action.payload.as_ref().map(Json::as_value);
    let number = |name: &str| payload.and_then(|payload| payload[name].as_i64()).unwrap_or(0);
    let id = number("id");
    Ok(match &*action.event_type {
        "pageWritten" => {
            let text = "x".repeat(usize::try_from(number("characters")).unwrap());
            pages.create(Page { id, edits: 0, text })
        }
        "pageEdited" => match pages.find_by_id(id)? {
            Some(page) => pages.update_by_id(id, Page::patch().edits(page.edits + 1)),
            None => pages.no_change(),
        },
        _ => pages.no_change(),
    })
}

pub(crate) async fn large_documents_are_changed_in_batches_of_bounded_size(database: Database) {
    const PAGES: i64 = 120;
    let store = database.builder(lift(pages)).open().await.unwrap();
    for id in 0..PAGES {
        let payload = serde_json::json!({ "id": id, "characters": 500_000 });
        store.dispatch(&Action::new("pageWritten").with_payload(payload)).await.unwrap();
    }
    store.close().await;
    // Nothing is warm: all are loaded, more than a batch takes, together with what is edited twice.
    let store = database.builder(lift(pages)).open().await.unwrap();
    let mut callers = tokio::task::JoinSet::new();
    for edit in 0..2 * PAGES {
        let store = store.clone();
        let payload = serde_json::json!({ "id": edit % PAGES });
        callers.spawn(async move {
            store.dispatch(&Action::new("pageEdited").with_payload(payload)).await
        });
    }
    for result in callers.join_all().await {
        result.unwrap();
    }
    let pages = store.find_all::<Page>(Query::all()).await.unwrap();
    assert_eq!(pages.len() as i64, PAGES);
    assert!(pages.iter().all(|page| page.edits == 2 && page.text.len() == 500_000));
    assert_eq!(store.position().await.unwrap(), 3 * PAGES);
}

pub(crate) async fn a_log_that_was_replaced_under_a_warm_store_is_not_written_on(
    database: Database,
) {
    let store = database.open().await;
    store.dispatch_all(&[added(1), added(2)]).await.unwrap();
    // As after a failover that lost the last events: another event is at the same position, and
    // the documents are those of that log.
    let (tasks, head, events) =
        (database.table("tasks"), database.table("flux_head"), database.table("events"));
    database.run(format!("DELETE FROM {tasks} WHERE id = 1")).await;
    let other = format!("SELECT id FROM {events} WHERE position = 1");
    database.run(format!("UPDATE {head} SET event_id = ({other})")).await;

    let error = store.dispatch(&TaskDone { id: 1 }).await.unwrap_err();
    assert_eq!(error.code(), "no_such_task", "it is not in the warm working set any more: {error}");
    store.dispatch(&added(1)).await.unwrap();
    assert_eq!(store.find_by_id::<Task>(1).await.unwrap(), Some(task(1)));
}
