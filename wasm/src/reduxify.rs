//! The macro.

/// Exports a reducer over documents as a plain Redux reducer, `name(state, action)`.
///
/// For the reducer of one collection, its path is enough:
///
/// ```
/// # mod notes_reducers {
/// #     use flux_reducers::{Collection, Document, Event, Reduction};
/// #     use serde::{Deserialize, Serialize};
/// #     #[derive(Document)]
/// #     #[document(collection = "notes")]
/// #     pub struct Note { id: i64 }
/// #     #[derive(Serialize, Deserialize, Event)]
/// #     #[serde(tag = "type", content = "payload", rename_all = "camelCase")]
/// #     pub enum NoteEvent { NoteAdded { id: i64 } }
/// #     pub fn notes(notes: &Collection<Note>, event: &NoteEvent) -> Reduction {
/// #         let NoteEvent::NoteAdded { id } = event;
/// #         Ok(notes.create(Note { id: *id }))
/// #     }
/// # }
/// flux_wasm::reduxify!(notes: notes_reducers::notes);
/// ```
///
/// The package then has `notes`, with the types `Note`, `NoteEvent` and `NotesState`.
///
/// A root reducer, an expression that is evaluated once, comes with the documents and the events
/// that it is about. Its state is an object with the state of each collection, so that it stands
/// alone or beside other reducers:
///
/// ```
/// # use flux_reducers::{Collection, Document, Event, Reducer, Reduction};
/// # use flux_reducers::{aggregate_reducers, lift};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Document)]
/// # #[document(collection = "notes")]
/// # pub struct Note { id: i64 }
/// # #[derive(Document)]
/// # #[document(collection = "tags")]
/// # pub struct Tag { id: i64 }
/// # #[derive(Serialize, Deserialize, Event)]
/// # #[serde(tag = "type", content = "payload", rename_all = "camelCase")]
/// # pub enum NoteEvent { NoteAdded { id: i64 } }
/// # pub fn notes(notes: &Collection<Note>, event: &NoteEvent) -> Reduction {
/// #     let NoteEvent::NoteAdded { id } = event;
/// #     Ok(notes.create(Note { id: *id }))
/// # }
/// # pub fn tags(tags: &Collection<Tag>, event: &NoteEvent) -> Reduction {
/// #     Ok(tags.no_change())
/// # }
/// fn root() -> Reducer {
///     aggregate_reducers([lift(notes), lift(tags)])
/// }
///
/// flux_wasm::reduxify!(app: root(), documents = [Note, Tag], events = [NoteEvent]);
/// ```
///
/// The package then has `app`, with the types `Note`, `Tag`, `NoteEvent` and `AppState`.
///
/// # Old events
/// Where a log has events of older shapes, say how they are read: either form takes
/// [`Upcasts`](flux_reducers::Upcasts), an expression that is evaluated once.
///
/// ```
/// # mod notes_reducers {
/// #     use flux_reducers::{Action, Collection, Document, Event, Reduction, Upcasts};
/// #     use serde::{Deserialize, Serialize};
/// #     #[derive(Document)]
/// #     #[document(collection = "notes")]
/// #     pub struct Note { id: i64 }
/// #     #[derive(Serialize, Deserialize, Event)]
/// #     #[serde(tag = "type", content = "payload", rename_all = "camelCase")]
/// #     pub enum NoteEvent { NoteAdded { id: i64 } }
/// #     pub fn notes(notes: &Collection<Note>, event: &NoteEvent) -> Reduction {
/// #         let NoteEvent::NoteAdded { id } = event;
/// #         Ok(notes.create(Note { id: *id }))
/// #     }
/// #     pub fn upcasts() -> Upcasts {
/// #         Upcasts::default().from_version("noteCreated", 1, |action| {
/// #             Ok(Action { event_type: "noteAdded".into(), ..action })
/// #         })
/// #     }
/// # }
/// flux_wasm::reduxify!(notes: notes_reducers::notes, upcasts = notes_reducers::upcasts());
/// ```
///
/// On the server the same `upcasts()` go into `Reducer::with_upcasts`. For a root reducer, too, they
/// are given here: JavaScript passes over the types that it is not told of.
///
/// # What the exported function does
/// - `state` is `undefined`: the empty state. The action is of a type that the events do not
///   have: the same state, at once.
/// - The action is malformed, or it is rejected, or the state is none: the same state, and the
///   listener of `onRejected` hears of it (see [`code`](crate::code)). It never throws, but for an
///   `Error` that says so where it is called before `init` has come back.
/// - `{ type: "@@flux-capacitor/loaded", payload: { collection, position, documents } }` replaces
///   the documents of one collection.
///
/// An event type is `flux_reducers::Action` for a reducer that takes every type, such as the event
/// log's: then all types count as known but those that begin with `@@`.
#[macro_export]
macro_rules! reduxify {
    ($name:ident: $reducer:path) => {
        $crate::reduxify!(
            @export $name,
            $crate::__private::ReduxReducer::collection($reducer),
            $crate::__private::collection_types(stringify!($name), $reducer),
        );
    };
    ($name:ident: $reducer:path, upcasts = $upcasts:expr $(,)?) => {
        $crate::reduxify!(
            @export $name,
            $crate::__private::ReduxReducer::collection_with_upcasts($reducer, $upcasts),
            $crate::__private::collection_types(stringify!($name), $reducer),
        );
    };
    (
        $name:ident: $reducer:expr,
        documents = [$($document:path),+ $(,)?],
        events = [$($event:path),+ $(,)?] $(,)?
    ) => {
        $crate::reduxify!(@root $name, [$($document),+], [$($event),+], root($reducer));
    };
    (
        $name:ident: $reducer:expr,
        documents = [$($document:path),+ $(,)?],
        events = [$($event:path),+ $(,)?],
        upcasts = $upcasts:expr $(,)?
    ) => {
        $crate::reduxify!(
            @root $name, [$($document),+], [$($event),+], root_with_upcasts($reducer, $upcasts)
        );
    };
    (
        @root $name:ident, [$($document:path),+], [$($event:path),+],
        $create:ident($reducer:expr $(, $upcasts:expr)?)
    ) => {
        $crate::reduxify!(
            @export $name,
            {
                $($crate::__private::stamp_versions::<$event>();)+
                $crate::__private::ReduxReducer::$create(
                    $reducer,
                    &[$(<$document as $crate::__private::Document>::SCHEMA),+],
                    &[$($crate::__private::Events::of::<$event>()),+],
                    $($upcasts)?
                )
            },
            {
                let mut text = $crate::__private::Text::new();
                $($crate::__private::document_types::<$document>(&mut text);)+
                $($crate::__private::event_types::<$event>(&mut text, stringify!($event));)+
                $crate::__private::root_types(
                    text,
                    stringify!($name),
                    &[$((
                        <$document as $crate::__private::Document>::SCHEMA,
                        <$document as $crate::__private::Describe>::NAME,
                    )),+],
                )
            },
        );
    };
    (@export $name:ident, $reducer:expr, $types:expr $(,)?) => {
        /// A Redux reducer: returns the next state, the same object where nothing changes.
        #[allow(clippy::needless_pass_by_value, non_snake_case)]
        pub fn $name(
            state: $crate::__private::wasm_bindgen::JsValue,
            action: $crate::__private::wasm_bindgen::JsValue,
        ) -> $crate::__private::wasm_bindgen::JsValue {
            ::std::thread_local! {
                static REDUCER: $crate::__private::ReduxReducer = $reducer;
            }

            #[allow(unused)]
            const _: () = {
                // On an item the attribute ignores the path that it is given.
                use $crate::__private::wasm_bindgen;

                #[wasm_bindgen::prelude::wasm_bindgen(start, private)]
                fn $name() {
                    // What the package exports is a script's, which can tell that it is called too
                    // early.
                    #[wasm_bindgen::prelude::wasm_bindgen(inline_js = r#"
let border;

export function reduce(state, action) {
  if (border === undefined) {
    throw new Error(
      "this reducer was called before its WebAssembly was there: call and await init(), the " +
        "default export of the package, before the store is made",
    );
  }
  return border.reduce(state, action);
}

export function open(it) {
  border = it;
}
"#)]
                    extern "C" {
                        #[wasm_bindgen(reexport = $name, skip_typescript)]
                        fn reduce();

                        // Of the reducer's name: two imports of one name and text are one, and only
                        // the script of the first would be opened.
                        #[wasm_bindgen(js_name = open)]
                        fn $name(border: &wasm_bindgen::JsValue);
                    }

                    REDUCER.with(|reducer| $name(reducer.border()));
                }
            };

            REDUCER.with(|reducer| reducer.reduce(&state, &action))
        }

        #[allow(unused)]
        const _: () = {
            // On a constant the attribute ignores the path that it is given.
            use $crate::__private::wasm_bindgen;
            const TEXT: $crate::__private::Text = $types;
            #[wasm_bindgen::prelude::wasm_bindgen(typescript_custom_section)]
            const TYPES: &'static str = TEXT.as_str();
        };
    };
}
