//! Queries on a state: documents by the same filters and in the same order as on the server.

use flux_reducers::{
    Database, Document, Filter, Halt, Query, Rejection, Row, Schema, code as core_code,
};
use serde_json::Value as JsonValue;
use wasm_bindgen::prelude::{Closure, JsError, JsValue};

use crate::border::Crossing;
use crate::description::{Description, Events};
use crate::documents::Documents;
use crate::reducer::{JSON, held};
use crate::typescript::Text;

/// Exports a function that answers queries on the state of one collection.
///
/// ```
/// # mod notes_reducers {
/// #     use flux_reducers::Document;
/// #     #[derive(Document)]
/// #     #[document(collection = "notes")]
/// #     pub struct Note { id: i64, title: String }
/// # }
/// flux_wasm::query!(queryNotes: notes_reducers::Note);
/// ```
///
/// The package then has `queryNotes(state, query)`, beside the reducer of
/// [`reduxify!`](crate::reduxify). Of a query
/// `{ filter?, order?, limit?, offset? }`, given as JSON, it answers the ids of the documents as JSON;
/// `createSelectWhere` of `@flux-capacitor/client` makes a selector of it, with types. A filter is as
/// `GET /collections/{name}` takes it, an order is a list of fields, with a minus for the greatest
/// first. It throws where the query, or the state, is none, and where `init` has not come back yet.
// rustfmt would indent the arguments of the attribute further each time.
#[rustfmt::skip]
#[macro_export]
macro_rules! query {
    ($name:ident: $document:path) => {
        /// Answers a query on the state of a collection.
        #[allow(clippy::needless_pass_by_value, clippy::missing_errors_doc, non_snake_case)]
        pub fn $name(
            state: $crate::__private::wasm_bindgen::JsValue,
            query: &str,
        ) -> ::core::result::Result<::std::string::String, $crate::__private::wasm_bindgen::JsError>
        {
            ::std::thread_local! {
                static QUERIES: $crate::__private::Queries =
                    $crate::__private::Queries::of::<$document>();
            }

            #[allow(unused)]
            const _: () = {
                // On an item the attribute ignores the path that it is given.
                use $crate::__private::wasm_bindgen;

                #[wasm_bindgen::prelude::wasm_bindgen(start, private)]
                fn $name() {
                    // As with a reducer, a script tells that it is called too early.
                    #[wasm_bindgen::prelude::wasm_bindgen(inline_js = r#"
let answer;

export function ask(state, query) {
  if (answer === undefined) {
    throw new Error(
      "this query was asked before its WebAssembly was there: call and await init(), the default " +
        "export of the package, first",
    );
  }
  return answer(state, query);
}

export function open(it) {
  answer = it;
}
"#)]
                    extern "C" {
                        #[wasm_bindgen(reexport = $name, skip_typescript)]
                        fn ask();

                        // Of the query's name: see `reduxify!`.
                        #[wasm_bindgen(js_name = open)]
                        fn $name(answer: &wasm_bindgen::JsValue);
                    }

                    $name(&$crate::__private::callable(|state, query| {
                        QUERIES.with(|queries| queries.answer(&state, &query))
                    }));
                }
            };

            QUERIES.with(|queries| queries.answer(&state, query))
        }

        #[allow(unused)]
        const _: () = {
            use $crate::__private::wasm_bindgen;
            const TEXT: $crate::__private::Text =
                $crate::__private::query_types::<$document>(stringify!($name));
            #[wasm_bindgen::prelude::wasm_bindgen(typescript_custom_section)]
            const TYPES: &'static str = TEXT.as_str();
        };
    };
}

/// What answers the queries on one collection.
#[expect(missing_debug_implementations, reason = "private to the macro")]
pub struct Queries {
    schema: &'static Schema,
    crossing: Crossing,
    /// Empty. What one query reads is looked at once: no index is made of it.
    database: Result<Database, Rejection>,
}

impl Queries {
    /// Creates it for a collection.
    #[must_use]
    pub fn of<T: Document>() -> Self {
        Self::of_schema(T::SCHEMA)
    }

    /// Creates it for the collection of a schema.
    #[must_use]
    pub fn of_schema(schema: &'static Schema) -> Self {
        Self {
            schema,
            crossing: Crossing::new(
                &Description {
                    is_root: false,
                    schemas: &[schema],
                    events: &[Events::all()],
                    json: Some(JSON),
                },
                run_nothing,
                0,
            ),
            database: held(Database::partial([schema]).map(|_| Database::small(schema))),
        }
    }

    /// Returns the ids of the documents as JSON.
    ///
    /// # Errors
    /// A JavaScript `Error` that says what is wrong with the query or the state.
    pub fn answer(&self, state: &JsValue, query: &str) -> Result<String, JsError> {
        let rows = read(query).and_then(|query| self.rows(state, &query));
        let rows = rows.map_err(|rejection| {
            JsError::new(&format!("{} ({})", rejection.message(), rejection.code()))
        })?;
        let ids: Vec<_> = rows.iter().map(|row| self.schema.id_of(row).to_json()).collect();
        Ok(JsonValue::from(ids).to_string())
    }

    /// Runs the query until all that it reads is loaded, as a reducer would.
    fn rows(&self, state: &JsValue, query: &Query) -> Result<Vec<Row>, Rejection> {
        self.crossing.with_state(state, || self.rows_of(query))
    }

    fn rows_of(&self, query: &Query) -> Result<Vec<Row>, Rejection> {
        let mut documents = Documents::new(&self.crossing, None);
        let mut database = self.database.clone()?;
        loop {
            match database.rows(self.schema.collection, query) {
                Ok(rows) => return Ok(rows),
                Err(Halt::Fault(fault)) => documents.load(&mut database, &fault)?,
                Err(Halt::Rejected(rejection)) => return Err(rejection),
            }
        }
    }
}

/// Returns a function that answers queries, as JavaScript can call it for good.
#[must_use]
pub fn callable(answer: fn(JsValue, String) -> Result<String, JsError>) -> JsValue {
    Closure::<dyn Fn(JsValue, String) -> Result<String, JsError>>::new(answer).into_js_value()
}

/// There is no reducer whose actions could be run.
extern "C" fn run_nothing(_: usize, _: i32) -> usize {
    0
}

/// Reads a query.
fn read(text: &str) -> Result<Query, Rejection> {
    let mut asked: serde_json::Map<String, JsonValue> = serde_json::from_str(text)
        .map_err(|error| invalid(&format!("a query is an object: {error}")))?;
    let mut query = match asked.remove("filter") {
        None => Query::all(),
        Some(filter) => {
            let filter = serde_json::from_value::<Filter>(filter);
            Query::from(filter.map_err(|error| invalid(&format!("the filter is none: {error}")))?)
        }
    };
    if let Some(order) = asked.remove("order") {
        let fields: Vec<String> = serde_json::from_value(order)
            .map_err(|error| invalid(&format!("`order` is a list of fields: {error}")))?;
        for field in fields {
            query = query.ordered(&field);
        }
    }
    if let Some(limit) = number(&mut asked, "limit")? {
        query = query.limit(limit);
    }
    if let Some(offset) = number(&mut asked, "offset")? {
        query = query.offset(offset);
    }
    match asked.keys().next() {
        None => Ok(query),
        Some(name) => Err(invalid(&format!(
            "a query has no `{name}`; it has filter, order, limit and offset"
        ))),
    }
}

fn number(
    asked: &mut serde_json::Map<String, JsonValue>,
    name: &str,
) -> Result<Option<u64>, Rejection> {
    let Some(given) = asked.remove(name) else { return Ok(None) };
    match given.as_u64() {
        Some(number) => Ok(Some(number)),
        None => Err(invalid(&format!("`{name}` is a number from 0, found {given}"))),
    }
}

fn invalid(message: &str) -> Rejection {
    Rejection::new(core_code::INVALID_FILTER, message)
}

/// Returns the declaration of a query function.
#[must_use]
pub const fn query_types<T: Document>(name: &str) -> Text {
    let mut text = Text::new();
    text.push("/** Answers a query as JSON by ids as JSON; see `createSelectWhere`. */\n");
    text.push("export function ").push(name).push("(state: CollectionState<").push(T::NAME);
    text.push(">, query: string): string;\n\n");
    text
}
