//! The reducer of the differential test as a Redux reducer: the schemas come at run time.

use std::cell::RefCell;
use std::collections::HashMap;

use flux_tests::interpreter::Collections;
use flux_wasm::__private::{Events, Queries, ReduxReducer};
use wasm_bindgen::prelude::{JsError, JsValue, wasm_bindgen};

thread_local! {
    static REDUCER: RefCell<Option<ReduxReducer>> = const { RefCell::new(None) };
    static QUERIES: RefCell<HashMap<&'static str, Queries>> = RefCell::default();
}

/// Makes the reducer of these collections, given as JSON. It replaces an earlier one.
///
/// # Errors
/// When the JSON does not describe collections.
#[wasm_bindgen]
pub fn open(collections: &str) -> Result<(), String> {
    let collections: Collections =
        serde_json::from_str(collections).map_err(|error| error.to_string())?;
    let schemas = collections.all_schemas();
    let reducer = ReduxReducer::root(collections.reducer(), &schemas, &[Events::all()]);
    REDUCER.with(|current| current.replace(Some(reducer)));
    let queries = schemas.iter().map(|schema| (schema.collection, Queries::of_schema(schema)));
    QUERIES.with(|current| current.replace(queries.collect()));
    Ok(())
}

/// Returns the next state.
///
/// # Errors
/// When nothing is open.
#[wasm_bindgen]
#[expect(clippy::needless_pass_by_value, reason = "as JavaScript calls it")]
pub fn reduce(state: JsValue, action: JsValue) -> Result<JsValue, String> {
    REDUCER.with(|reducer| match &*reducer.borrow() {
        Some(reducer) => Ok(reducer.reduce(&state, &action)),
        None => Err("call open first".to_owned()),
    })
}

/// Returns the ids that answer a query on the state of a collection, as JSON.
///
/// # Errors
/// When the query or the state is none, or nothing is open.
#[wasm_bindgen]
#[expect(clippy::needless_pass_by_value, reason = "as JavaScript calls it")]
pub fn query(collection: &str, state: JsValue, query: &str) -> Result<String, JsError> {
    QUERIES.with(|queries| match queries.borrow().get(collection) {
        Some(queries) => queries.answer(&state, query),
        None => Err(JsError::new("call open first")),
    })
}
