//! Tests of reducers as sentences: given these events, when this one comes, then that is so.

extern crate std;

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt::Debug;

use pretty_assertions::Comparison;

use crate::action::Action;
use crate::collection::Collection;
use crate::database::Database;
use crate::document::Document;
use crate::event::Event;
use crate::halt::Halt;
use crate::query::Query;
use crate::reducer::{Reducer, Reduction, lift};
use crate::rejection::Rejection;

/// Begins a test of a reducer of one collection: these events have happened.
///
/// ```
/// use flux_reducers::testing::given;
/// use flux_reducers::{Collection, Document, Event, Reduction};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, PartialEq, Document)]
/// #[document(collection = "notes")]
/// struct Note {
///     id: i64,
///     title: String,
/// }
///
/// #[derive(Serialize, Deserialize, Event)]
/// #[serde(tag = "type", content = "payload", rename_all = "camelCase")]
/// enum NoteEvent {
///     NoteAdded { id: i64, title: String },
/// }
/// use NoteEvent::NoteAdded;
///
/// fn notes(notes: &Collection<Note>, event: &NoteEvent) -> Reduction {
///     match event {
///         NoteAdded { id, title } => Ok(notes.create(Note { id: *id, title: title.clone() })),
///     }
/// }
///
/// given(notes, [])
///     .when(NoteAdded { id: 1, title: "Milk".into() })
///     .then([Note { id: 1, title: "Milk".into() }]);
///
/// given(notes, [NoteAdded { id: 1, title: "Milk".into() }])
///     .when(NoteAdded { id: 1, title: "Bread".into() })
///     .then_rejected("document_exists");
/// ```
///
/// # Panics
/// When one of the events is rejected.
#[track_caller]
pub fn given<T: Document + 'static, E: Event + 'static>(
    reducer: impl Fn(&Collection<T>, &E) -> Reduction + Send + Sync + 'static,
    events: impl IntoIterator<Item = E>,
) -> Given {
    let actions: Vec<_> = events.into_iter().map(|event| action(&event)).collect();
    given_actions(lift(reducer), actions)
}

/// Begins a test of a reducer over a whole database.
///
/// # Panics
/// When one of the actions is rejected.
///
/// ```
/// # use flux_reducers::*;
/// # #[derive(Debug, PartialEq, Document)]
/// # #[document(collection = "notes")]
/// # struct Note { id: i64, title: String, done: Option<bool> }
/// # use flux_reducers::testing::{given, given_actions};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize, Event)]
/// # #[serde(tag = "type", content = "payload", rename_all = "camelCase")]
/// # enum NoteEvent { NoteAdded { id: i64 } }
/// # fn notes(notes: &Collection<Note>, event: &NoteEvent) -> Reduction {
/// #     let NoteEvent::NoteAdded { id } = event;
/// #     Ok(notes.create(Note { id: *id, title: String::new(), done: None }))
/// # }
/// let added = NoteEvent::NoteAdded { id: 1 }.to_action()?;
/// given_actions(lift(notes), []).when(added).then([Note { id: 1, title: String::new(), done: None }]);
/// # Ok::<(), Rejection>(())
/// ```
#[track_caller]
pub fn given_actions(reducer: Reducer, actions: impl IntoIterator<Item = Action>) -> Given {
    let mut database = match reducer.database() {
        Ok(database) => database,
        Err(error) => panic!("{error}"),
    };
    for action in actions {
        if let Err(halt) = reducer.run(&mut database, &action) {
            panic!("given event {action:?} is rejected: {halt}");
        }
    }
    Given { reducer, database }
}

/// What has happened: the first part of a test.
///
/// ```
/// # use flux_reducers::*;
/// # #[derive(Debug, PartialEq, Document)]
/// # #[document(collection = "notes")]
/// # struct Note { id: i64, title: String, done: Option<bool> }
/// # use flux_reducers::testing::{given, given_actions};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize, Event)]
/// # #[serde(tag = "type", content = "payload", rename_all = "camelCase")]
/// # enum NoteEvent { NoteAdded { id: i64 } }
/// # fn notes(notes: &Collection<Note>, event: &NoteEvent) -> Reduction {
/// #     let NoteEvent::NoteAdded { id } = event;
/// #     Ok(notes.create(Note { id: *id, title: String::new(), done: None }))
/// # }
/// let nothing_happened = given(notes, []);
/// nothing_happened.when(NoteEvent::NoteAdded { id: 1 }).then([Note { id: 1, title: String::new(), done: None }]);
/// ```
#[derive(Debug)]
#[must_use = "a test goes on with `when`"]
pub struct Given {
    reducer: Reducer,
    database: Database,
}

/// What happens: the second part of a test.
///
/// ```
/// # use flux_reducers::*;
/// # #[derive(Debug, PartialEq, Document)]
/// # #[document(collection = "notes")]
/// # struct Note { id: i64, title: String, done: Option<bool> }
/// # use flux_reducers::testing::{given, given_actions};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize, Event)]
/// # #[serde(tag = "type", content = "payload", rename_all = "camelCase")]
/// # enum NoteEvent { NoteAdded { id: i64 } }
/// # fn notes(notes: &Collection<Note>, event: &NoteEvent) -> Reduction {
/// #     let NoteEvent::NoteAdded { id } = event;
/// #     Ok(notes.create(Note { id: *id, title: String::new(), done: None }))
/// # }
/// let when = given(notes, []).when(NoteEvent::NoteAdded { id: 1 });
/// when.then([Note { id: 1, title: String::new(), done: None }]);
/// ```
#[derive(Debug)]
pub struct When {
    database: Database,
    result: Result<(), Halt>,
}

impl Given {
    /// Runs the event that the test is about.
    ///
    /// # Panics
    /// When the event can't be an action.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// # use flux_reducers::testing::{given, given_actions};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Serialize, Deserialize, Event)]
    /// # #[serde(tag = "type", content = "payload", rename_all = "camelCase")]
    /// # enum NoteEvent { NoteAdded { id: i64 } }
    /// # fn notes(notes: &Collection<Note>, event: &NoteEvent) -> Reduction {
    /// #     let NoteEvent::NoteAdded { id } = event;
    /// #     Ok(notes.create(Note { id: *id, title: String::new(), done: None }))
    /// # }
    /// given(notes, []).when(NoteEvent::NoteAdded { id: 1 }).then([Note { id: 1, title: String::new(), done: None }]);
    /// ```
    #[track_caller]
    #[must_use = "a test ends with `then` or `then_rejected`"]
    #[expect(clippy::needless_pass_by_value, reason = "reads as a sentence")]
    pub fn when<E: Event>(mut self, event: E) -> When {
        let result = self.reducer.run(&mut self.database, &action(&event)).map(|_| ());
        When { database: self.database, result }
    }
}

impl When {
    /// Asserts that the collection now holds these documents, ordered by id.
    ///
    /// # Panics
    /// When the event was rejected, or the documents are others: then it prints the difference.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// # use flux_reducers::testing::{given, given_actions};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Serialize, Deserialize, Event)]
    /// # #[serde(tag = "type", content = "payload", rename_all = "camelCase")]
    /// # enum NoteEvent { NoteAdded { id: i64 } }
    /// # fn notes(notes: &Collection<Note>, event: &NoteEvent) -> Reduction {
    /// #     let NoteEvent::NoteAdded { id } = event;
    /// #     Ok(notes.create(Note { id: *id, title: String::new(), done: None }))
    /// # }
    /// given(notes, []).when(NoteEvent::NoteAdded { id: 1 }).then([Note { id: 1, title: String::new(), done: None }]);
    /// ```
    #[track_caller]
    pub fn then<T: Document + Debug + PartialEq>(
        self,
        documents: impl IntoIterator<Item = T>,
    ) -> Self {
        if let Err(halt) = &self.result {
            panic!("the event was rejected: {halt}");
        }
        let found = self.database.collection::<T>().map_err(Halt::from);
        let found = match found.and_then(|collection| collection.find_all(Query::all())) {
            Ok(found) => found,
            Err(halt) => panic!("collection `{}`: {halt}", T::SCHEMA.collection),
        };
        let expected: Vec<T> = documents.into_iter().collect();
        assert!(
            found == expected,
            "collection `{}` is not as expected (left), but so (right)\n{}",
            T::SCHEMA.collection,
            difference(&expected, &found)
        );
        self
    }

    /// Asserts that the event was rejected with this code, and returns the rejection.
    ///
    /// # Panics
    /// When it was not, or with another code.
    ///
    /// ```
    /// # use flux_reducers::*;
    /// # #[derive(Debug, PartialEq, Document)]
    /// # #[document(collection = "notes")]
    /// # struct Note { id: i64, title: String, done: Option<bool> }
    /// # use flux_reducers::testing::{given, given_actions};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Serialize, Deserialize, Event)]
    /// # #[serde(tag = "type", content = "payload", rename_all = "camelCase")]
    /// # enum NoteEvent { NoteAdded { id: i64 } }
    /// # fn notes(notes: &Collection<Note>, event: &NoteEvent) -> Reduction {
    /// #     let NoteEvent::NoteAdded { id } = event;
    /// #     Ok(notes.create(Note { id: *id, title: String::new(), done: None }))
    /// # }
    /// let added = || NoteEvent::NoteAdded { id: 1 };
    /// let rejection = given(notes, [added()]).when(added()).then_rejected("document_exists");
    /// assert_eq!(rejection.field(), Some("id"));
    /// ```
    #[track_caller]
    pub fn then_rejected(self, code: &str) -> Rejection {
        match self.result {
            Err(Halt::Rejected(rejection)) => {
                assert!(
                    rejection.code() == code,
                    "rejected with another code\n{}\n{rejection}",
                    difference(&code, &rejection.code())
                );
                rejection
            }
            Err(Halt::Fault(fault)) => panic!("expected the rejection `{code}`, found: {fault}"),
            Ok(()) => panic!("expected the rejection `{code}`, but the event was accepted"),
        }
    }
}

#[track_caller]
fn action(event: &impl Event) -> Action {
    match event.to_action() {
        Ok(action) => action,
        Err(rejection) => panic!("the event can't be an action: {rejection}"),
    }
}

/// Shows two values side by side, in colours unless `NO_COLOR` is set (<https://no-color.org>).
fn difference<T: Debug + ?Sized>(expected: &T, found: &T) -> String {
    let coloured = Comparison::new(expected, found).to_string();
    let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if is_plain { without_colours(&coloured) } else { coloured }
}

/// Leaves out the escape sequences that set colours: from ESC to `m`.
fn without_colours(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let first = parts.next().unwrap_or_default();
    let rest = parts.map(|part| part.split_once('m').map_or(part, |(_, after)| after));
    core::iter::once(first).chain(rest).collect()
}
