//! `given`, `when`, `then`: passes when it should, and fails with a message that helps.

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::thread;

use flux_reducers::testing::{given, given_actions};
use flux_reducers::{
    Action, Collection, Document, Event, RecordedEvent, Reduction, Timestamp, aggregate_reducers,
    code, event_log_reducer, lift,
};
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Document)]
#[document(collection = "notes")]
struct Note {
    id: i64,
    title: String,
}

#[derive(Clone, Serialize, Deserialize, Event)]
#[serde(tag = "type", content = "payload", rename_all = "camelCase")]
enum NoteEvent {
    NoteAdded { id: i64, title: String },
    NoteRemoved { id: i64 },
}
use NoteEvent::{NoteAdded, NoteRemoved};

fn notes(notes: &Collection<Note>, event: &NoteEvent) -> Reduction {
    Ok(match event {
        NoteAdded { id, title } => notes.create(Note { id: *id, title: title.clone() }),
        NoteRemoved { id } => notes.destroy_by_id(id),
    })
}

fn note(id: i64, title: &str) -> Note {
    Note { id, title: title.into() }
}

fn added(id: i64, title: &str) -> NoteEvent {
    NoteAdded { id, title: title.into() }
}

/// Returns the message of the panic.
#[track_caller]
fn coloured_failure<T>(test: impl FnOnce() -> T) -> String {
    let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(test()))) else {
        panic!("expected the test to fail");
    };
    *panic.downcast::<String>().expect("a formatted message")
}

/// Returns the message of the panic, without colours.
#[track_caller]
fn failure<T>(test: impl FnOnce() -> T) -> String {
    let message = coloured_failure(test);
    let mut plain = String::new();
    for (position, part) in message.split('\u{1b}').enumerate() {
        let part = if position == 0 { part } else { part.split_once('m').unwrap().1 };
        plain.push_str(part);
    }
    plain
}

#[test]
fn a_test_that_is_so_passes() {
    given(notes, []).when(added(1, "Milk")).then([note(1, "Milk")]);
    given(notes, [added(2, "Bread"), added(1, "Milk")])
        .when(NoteRemoved { id: 9 })
        .then([note(1, "Milk"), note(2, "Bread")]);
    given(notes, [added(1, "Milk")]).when(NoteRemoved { id: 1 }).then::<Note>([]);
    let rejection =
        given(notes, [added(1, "Milk")]).when(added(1, "Tea")).then_rejected(code::DOCUMENT_EXISTS);
    assert_eq!(rejection.field(), Some("id"));
}

#[test]
fn several_collections_are_checked_one_after_the_other() {
    let reducer = aggregate_reducers([lift(notes), event_log_reducer()]);
    let action = added(1, "Milk").to_action().unwrap();
    given_actions(reducer, [action])
        .when(NoteRemoved { id: 1 })
        .then::<Note>([])
        .then::<RecordedEvent>([]);
}

#[test]
fn other_documents_are_shown_as_a_difference() {
    let message = failure(|| {
        given(notes, [added(1, "Milk")])
            .when(added(2, "Bread"))
            .then([note(1, "Milk"), note(2, "Breads")])
    });
    assert_eq!(
        message,
        r#"collection `notes` is not as expected (left), but so (right)
Diff < left / right > :
 [
     Note {
         id: 1,
         title: "Milk",
     },
     Note {
         id: 2,
<        title: "Breads",
>        title: "Bread",
     },
 ]
"#
    );
}

#[test]
fn times_are_shown_as_their_text() {
    #[derive(Debug, PartialEq, Document)]
    #[document(collection = "visits")]
    struct Visit {
        id: i64,
        at: Timestamp,
    }
    #[derive(Serialize, Deserialize, Event)]
    #[serde(tag = "type", content = "payload", rename_all = "camelCase")]
    enum VisitEvent {
        Visited { at: Timestamp },
    }
    fn visits(visits: &Collection<Visit>, event: &VisitEvent) -> Reduction {
        let VisitEvent::Visited { at } = event;
        Ok(visits.create(Visit { id: 1, at: *at }))
    }
    let at = |milliseconds| Timestamp::from_milliseconds(milliseconds).unwrap();

    let message = failure(|| {
        given(visits, []).when(VisitEvent::Visited { at: at(7) }).then([Visit { id: 1, at: at(8) }])
    });
    assert!(message.contains("<        at: 1970-01-01T00:00:00.008Z,\n"), "{message}");
    assert!(message.contains(">        at: 1970-01-01T00:00:00.007Z,\n"), "{message}");
}

#[test]
fn no_colours_are_used_where_no_color_is_set() {
    let message = coloured_failure(|| given(notes, []).when(added(1, "a")).then([note(1, "b")]));
    if env::var_os("NO_COLOR").is_some() {
        assert!(!message.contains('\u{1b}'), "{message}");
        assert!(message.contains("<        title: \"b\",\n"), "{message}");
        return;
    }
    assert!(message.contains('\u{1b}'), "{message}");
    // The environment of this process is that of other tests, too: this very test runs in another.
    let this_test = thread::current().name().unwrap().to_owned();
    let plain = Command::new(env::current_exe().unwrap())
        .args([&this_test, "--exact"])
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    let output = String::from_utf8(plain.stdout).unwrap();
    assert!(plain.status.success() && output.contains("1 passed"), "{output}");
}

#[test]
fn a_rejection_where_documents_are_expected_is_told() {
    let message =
        failure(|| given(notes, [added(1, "a")]).when(added(1, "b")).then([note(1, "a")]));
    assert_eq!(
        message,
        "the event was rejected: collection `notes` already has a document with the id 1"
    );
}

#[test]
fn a_rejection_that_is_another_or_none_is_told() {
    let message =
        failure(|| given(notes, [added(1, "a")]).when(added(1, "b")).then_rejected("title_taken"));
    assert!(message.starts_with("rejected with another code\n"), "{message}");
    assert!(message.contains("<\"title_taken\"\n>\"document_exists\"\n"), "{message}");
    assert!(message.ends_with("already has a document with the id 1"), "{message}");
    let message = failure(|| given(notes, []).when(added(1, "a")).then_rejected("title_taken"));
    assert_eq!(message, "expected the rejection `title_taken`, but the event was accepted");
}

#[test]
fn a_given_event_that_is_rejected_fails_the_test() {
    let message = failure(|| given(notes, [added(1, "a"), added(1, "b")]));
    assert!(message.starts_with("given event Action {"), "{message}");
    assert!(message.contains("\"noteAdded\""), "{message}");
    let end = "is rejected: collection `notes` already has a document with the id 1";
    assert!(message.ends_with(end), "{message}");
}

#[test]
fn a_collection_that_the_reducer_does_not_have_is_told() {
    let message = failure(|| given(notes, []).when(Action::new("other")).then::<RecordedEvent>([]));
    assert_eq!(
        message,
        "collection `events`: there is no collection `events`: the collections are notes"
    );
}
