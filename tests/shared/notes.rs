//! The notes sample's reducer.

use flux_reducers::testing::given;
use flux_reducers::{Uuid, code};
use notes_reducers::NoteEvent::{NoteAdded, NoteContentEdited, NoteRemoved, NoteTitleEdited};
use notes_reducers::{Note, NoteEvent, notes};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn note(number: u128) -> Note {
    Note {
        id: id(number),
        title: "Milk".into(),
        text: "two litres".into(),
        created_at: "2016-09-20T07:04:21.000Z".parse().unwrap(),
    }
}

fn added(number: u128) -> NoteEvent {
    let Note { id, title, text, created_at } = note(number);
    NoteAdded { id, title, text, created_at }
}

#[test]
fn an_added_note_is_there() {
    given(notes, []).when(added(1)).then([note(1)]);
}

#[test]
fn notes_are_ordered_by_id_whatever_the_order_of_the_events() {
    given(notes, [added(3), added(1)]).when(added(2)).then([note(1), note(2), note(3)]);
}

#[test]
fn a_note_of_an_id_that_exists_is_rejected() {
    let rejection = given(notes, [added(1)]).when(added(1)).then_rejected(code::DOCUMENT_EXISTS);
    assert_eq!(rejection.field(), Some("id"));
}

#[test]
fn editing_changes_one_field_of_one_note() {
    given(notes, [added(1), added(2)])
        .when(NoteTitleEdited { id: id(2), title: "Bread".into() })
        .then([note(1), Note { title: "Bread".into(), ..note(2) }]);
    given(notes, [added(1), added(2)])
        .when(NoteContentEdited { id: id(1), text: "one litre".into() })
        .then([Note { text: "one litre".into(), ..note(1) }, note(2)]);
}

#[test]
fn editing_a_missing_note_changes_nothing() {
    given(notes, [added(1)])
        .when(NoteTitleEdited { id: id(7), title: "Bread".into() })
        .then([note(1)]);
}

#[test]
fn a_removed_note_is_gone_and_its_id_is_free_again() {
    given(notes, [added(1), added(2)]).when(NoteRemoved { id: id(1) }).then([note(2)]);
    given(notes, [added(1), NoteRemoved { id: id(1) }]).when(added(1)).then([note(1)]);
}
