use flux_server::reducers::{Event as _, Uuid, lift};
use flux_server::{Dispatch, Error, Store};
use notes_reducers::NoteEvent::{self, NoteContentEdited, NoteRemoved, NoteTitleEdited};

use super::without_passwords;

async fn refused(events: &[NoteEvent]) -> Option<(usize, String)> {
    let reducer = lift(notes_reducers::notes);
    let builder = Store::builder(reducer, "sqlite::memory:").layer(without_passwords());
    let store = builder.open().await.unwrap();
    let actions = events.iter().map(|event| event.to_action().unwrap()).collect();
    match store.dispatch_together(Dispatch { actions, ..Dispatch::default() }).await {
        Ok(_) => None,
        Err(Error::Rejected { event, rejection }) => {
            assert_eq!(rejection.code(), "password_found");
            Some((event, rejection.field().unwrap_or_default().to_owned()))
        }
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_note_with_a_password_is_rejected_and_the_event_and_field_at_fault_are_named() {
    let id = Uuid::nil();
    let title = |title: &str| NoteTitleEdited { id, title: title.into() };
    let text = |text: &str| NoteContentEdited { id, text: text.into() };
    assert_eq!(refused(&[title("PassWord: 123")]).await, Some((0, "title".to_owned())));
    let events = [title("Milk"), text("the password is 123")];
    assert_eq!(refused(&events).await, Some((1, "text".to_owned())));
    assert_eq!(refused(&[title("Milk"), text("two litres"), NoteRemoved { id }]).await, None);
}
